import { BlockList, isIP, type Socket } from "node:net";

import { JobctlError } from "@jobctl/protocol";

import type { Logger } from "./logger.js";
import { refuseOnSocket } from "./refuse-on-socket.js";

/** At most one line of the log in this time, however many connections are refused. */
const LOG_EVERY_MS = 60_000;
const RETRY_AFTER_SECONDS = 5;

/** The ranges that `JOBCTL_TRUST_PROXY` has names for. */
const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

export interface ConnectionLimitSettings {
  /** Most open connections of one address; 0 for any number. */
  readonly maxPerAddress: number;
  /** Addresses and ranges of proxies, which connect for many clients. */
  readonly exempt: readonly string[];
  readonly logger: Logger;
}

/**
 * Keeps one address from taking all connections, with which the file descriptors of the process would
 * go. It holds one number for each address that has a connection open, and no more.
 */
export class ConnectionLimit {
  readonly #settings: ConnectionLimitSettings;
  readonly #exempt: BlockList;
  readonly #open = new Map<string, number>();
  #refused = 0;
  #refusedSinceLog = 0;
  #loggedAtMs = -Infinity;

  constructor(settings: ConnectionLimitSettings) {
    this.#settings = settings;
    this.#exempt = rangesOf(settings.exempt);
  }

  /** Connections that were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether a new connection may be served; one that may not is answered and closed. */
  admit(socket: Socket): boolean {
    const { maxPerAddress } = this.#settings;
    const address = plainAddress(socket.remoteAddress);
    if (maxPerAddress === 0 || address === null || isIn(this.#exempt, address)) return true;
    const open = this.#open.get(address) ?? 0;
    if (open >= maxPerAddress) {
      this.#refuse(socket, address);
      return false;
    }
    this.#open.set(address, open + 1);
    socket.once("close", () => {
      const left = (this.#open.get(address) ?? 1) - 1;
      if (left === 0) this.#open.delete(address);
      else this.#open.set(address, left);
    });
    return true;
  }

  #refuse(socket: Socket, address: string): void {
    const { maxPerAddress, logger } = this.#settings;
    this.#refused += 1;
    this.#refusedSinceLog += 1;
    const message = `${address} has ${maxPerAddress} connections open, which is the limit for one address`;
    if (performance.now() - this.#loggedAtMs >= LOG_EVERY_MS) {
      logger.warn(
        { event: "connections_refused", address, refused: this.#refusedSinceLog },
        message,
      );
      this.#loggedAtMs = performance.now();
      this.#refusedSinceLog = 0;
    }
    refuseOnSocket(
      socket,
      new JobctlError("too_many_connections", message, {
        hint: "Close some, or ask the operator to raise JOBCTL_MAX_CONNECTIONS_PER_ADDRESS.",
        details: { limit: maxPerAddress, address },
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      }),
    );
  }
}

/** Whether an address is one of this machine's own, which nothing from outside has. */
export function isLoopback(address: string | undefined): boolean {
  const plain = plainAddress(address);
  return plain !== null && isIn(LOOPBACK, plain);
}

const LOOPBACK = rangesOf(["loopback"]);

function rangesOf(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts.flatMap((name) => NAMED_RANGES[name] ?? [name])) {
    const [address = "", bits] = text.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(bits ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** An IPv4 address as such, also where a socket for both families has it; null when there is none. */
function plainAddress(address: string | undefined): string | null {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "") ?? "";
  return isIP(plain) === 0 ? null : plain;
}
