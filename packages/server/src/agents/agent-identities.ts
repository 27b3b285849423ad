import { randomBytes, randomUUID } from "node:crypto";

import {
  fingerprintOf,
  leaseIdOf,
  makeKeyPair,
  wallClock,
  type Installation,
  type Logger,
  type Secret,
} from "@jobctl/daemon";
import { JobctlError } from "@jobctl/protocol";

/** Most names that are bound to keys: whoever has the shared secret can enrol any number. */
const MAX_KEYS = 10_000;
/** Interval at which last-seen times are stored. */
const NOTE_SEEN_EVERY_MS = 24 * 60 * 60 * 1000;

/** How long a one-time secret can be used. */
const ONE_TIME_SECONDS = 24 * 60 * 60;

interface StoredInstallation {
  readonly uuid: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Where the server's own identity is kept. */
interface InstallationStore {
  find(): StoredInstallation | null;
  create(made: StoredInstallation, at: number): StoredInstallation;
}

interface OneTimeSecret {
  readonly secret: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Where keys and one-time secrets are kept. */
interface AgentKeyStore {
  list(): { name: string; publicKey: string; enrolledAt: number }[];
  /** @returns names that were bound to a key and are free now */
  bind(
    name: string,
    publicKey: string,
    url: string,
    at: number,
    isKept: (name: string) => boolean,
  ): string[];
  seen(name: string, at: number): void;
  forget(name: string): void;
  putOneTimeSecret(url: string, secret: string, expiresAt: number): void;
  findOneTimeSecret(url: string): OneTimeSecret | null;
  deleteOneTimeSecret(url: string): void;
}

/** Who this server is: made when its database is new. */
export function openInstallation(store: InstallationStore): Installation {
  const { uuid, ...keys } =
    store.find() ?? store.create({ uuid: randomUUID(), ...makeKeyPair() }, wallClock());
  return { id: uuid, keys };
}

/** A key, as operators see it. */
export interface ShownKey {
  readonly fingerprint: string;
  readonly enrolledAt: string;
}

/** Keys of enrolled agents, and the secrets that new agents can enrol with. */
export class AgentIdentities {
  readonly installation: Installation;
  #epoch: number;
  #lease: string;
  readonly #store: AgentKeyStore;
  readonly #secret: Secret | null;
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #seenAtMs = new Map<string, number>();
  /** When one-time secrets expire, by address. */
  readonly #expiries = new Map<string, OneTimeSecret & { readonly untilMs: number }>();
  readonly #keys = new Map<string, { publicKey: string; shown: ShownKey }>();

  /**
   * @param secret shared by all agents that are not added with a one-time secret
   * @param nowMs milliseconds of a clock that never goes back
   */
  constructor(
    installation: Installation,
    { epoch, holder, since }: { epoch: number; holder: string; since: number },
    store: AgentKeyStore,
    secret: Secret | null,
    logger: Logger,
    nowMs: () => number = () => performance.now(),
  ) {
    this.installation = installation;
    this.#epoch = epoch;
    this.#lease = leaseIdOf(holder, since);
    this.#store = store;
    this.#secret = secret;
    this.#logger = logger;
    this.#nowMs = nowMs;
    for (const { name, publicKey, enrolledAt } of store.list())
      this.#note(name, publicKey, enrolledAt);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Tells this server apart from others with the same epoch. */
  get lease(): string {
    return this.#lease;
  }

  /** For a lease that could not be stored when the server started. */
  renewLease({ epoch, holder, since }: { epoch: number; holder: string; since: number }): void {
    this.#epoch = epoch;
    this.#lease = leaseIdOf(holder, since);
  }

  keyOf(name: string): string | null {
    return this.#keys.get(name)?.publicKey ?? null;
  }

  show(name: string | null): ShownKey | null {
    return name === null ? null : (this.#keys.get(name)?.shown ?? null);
  }

  /**
   * What the agent at an address may be enrolled with: its one-time secret and nothing else, where it
   * has one.
   *
   * @throws JobctlError `enrolment_refused` when that has expired
   */
  secretsFor(url: string): readonly string[] {
    const waiting = this.#store.findOneTimeSecret(url);
    if (waiting === null) return this.#secret?.values ?? [];
    if (this.#isValid(url, waiting)) return [waiting.secret];
    throw new JobctlError("enrolment_refused", `the one-time secret for ${url} has expired`, {
      hint: `jobctl agents add ${url} --one-time makes another one.`,
    });
  }

  /**
   * Called for each session; binds the name of an agent that was new.
   *
   * @throws JobctlError `enrolment_refused` when too many names are bound
   */
  proved(name: string, publicKey: string, isNew: boolean, url: string): void {
    if (!isNew) {
      // Its key decides from now on: a secret that waits for this address would only expire.
      if (this.#store.findOneTimeSecret(url) !== null) this.deleteOneTimeSecret(url);
      return this.seen(name);
    }
    if (this.#keys.size >= MAX_KEYS)
      throw new JobctlError("enrolment_refused", `${MAX_KEYS} agents are enrolled already`, {
        hint: "jobctl agents forget-key NAME makes room; replace the shared secret if it has leaked.",
      });
    const at = wallClock();
    // A clock that jumps must not unbind the agents that this server has met since its start.
    for (const unseen of this.#store.bind(name, publicKey, url, at, (other) =>
      this.#seenAtMs.has(other),
    ))
      this.#keys.delete(unseen);
    const { fingerprint } = this.#note(name, publicKey, at);
    this.#seenAtMs.set(name, performance.now());
    this.#expiries.delete(url);
    this.#logger.info({ event: "agent_enrolled", agent: name, url, key: fingerprint });
  }

  /** Notes that an agent is there; its key is kept. It is not refused because that cannot be stored. */
  seen(name: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#seenAtMs.get(name) ?? -Infinity) < NOTE_SEEN_EVERY_MS) return;
    try {
      this.#store.seen(name, wallClock());
      this.#seenAtMs.set(name, nowMs);
    } catch (error) {
      this.#logger.warn({ event: "agent_visit_not_stored", agent: name, err: error });
    }
  }

  /** @returns whether the name was bound to a key */
  forget(name: string): boolean {
    this.#store.forget(name);
    this.#seenAtMs.delete(name);
    const wasKnown = this.#keys.delete(name);
    if (wasKnown) this.#logger.info({ event: "agent_key_forgotten", agent: name });
    return wasKnown;
  }

  /**
   * Lets the agent at an address enrol with a secret of its own, and with no other.
   *
   * @param given made up when there is none
   */
  putOneTimeSecret(url: string, given?: string): { secret: string; expiresAt: string } {
    const secret = given ?? randomBytes(32).toString("base64url");
    const expiresAt = wallClock() + ONE_TIME_SECONDS * 1000;
    this.#store.putOneTimeSecret(url, secret, expiresAt);
    const untilMs = this.#nowMs() + ONE_TIME_SECONDS * 1000;
    this.#expiries.set(url, { secret, expiresAt, untilMs });
    return { secret, expiresAt: new Date(expiresAt).toISOString() };
  }

  deleteOneTimeSecret(url: string): void {
    this.#expiries.delete(url);
    this.#store.deleteOneTimeSecret(url);
  }

  /**
   * Does work for which the one-time secret of an address is another one, or none. A failure leaves the
   * secret that was there before.
   *
   * @param secret null for none
   */
  async withOneTimeSecret<T>(
    url: string,
    secret: string | null,
    work: () => Promise<T>,
  ): Promise<T> {
    const before = this.#store.findOneTimeSecret(url);
    if (secret !== null) this.putOneTimeSecret(url, secret);
    else if (before !== null) this.deleteOneTimeSecret(url);
    try {
      return await work();
    } catch (error) {
      if (before !== null) this.#store.putOneTimeSecret(url, before.secret, before.expiresAt);
      else if (secret !== null) this.deleteOneTimeSecret(url);
      throw error;
    }
  }

  /** The same error; where the agent did not prove its one-time secret, the hint says so. */
  explain(url: string, error: JobctlError): JobctlError {
    const waiting = error.code === "enrolment_refused" ? this.#store.findOneTimeSecret(url) : null;
    if (waiting === null || !this.#isValid(url, waiting)) return error;
    const until = new Date(waiting.expiresAt).toISOString();
    return new JobctlError(error.code, error.message, {
      hint: `The server waits for the one-time secret of this address until ${until}. Put that secret into the agent's JOBCTL_AGENT_TOKEN_FILE, or run jobctl agents add ${url} --secret-file FILE with the one it has.`,
      cause: error,
    });
  }

  /** By the monotonic clock from when this server first sees it; after a start it is not longer than at first. */
  #isValid(url: string, { secret, expiresAt }: OneTimeSecret): boolean {
    const nowMs = this.#nowMs();
    const known = this.#expiries.get(url);
    if (known?.secret === secret && known.expiresAt === expiresAt) return nowMs < known.untilMs;
    const leftMs = Math.min(expiresAt - wallClock(), ONE_TIME_SECONDS * 1000);
    this.#expiries.set(url, { secret, expiresAt, untilMs: nowMs + leftMs });
    return leftMs > 0;
  }

  #note(name: string, publicKey: string, enrolledAt: number): ShownKey {
    const shown = {
      fingerprint: fingerprintOf(publicKey),
      enrolledAt: new Date(enrolledAt).toISOString(),
    };
    this.#keys.set(name, { publicKey, shown });
    return shown;
  }
}
