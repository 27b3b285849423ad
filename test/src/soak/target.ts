import type { DaemonProcess } from "../support/daemon-process.js";
import { openFiles } from "../support/open-files.js";
import type { TcpProxy } from "../support/tcp-proxy.js";
import type { SmallVolume } from "../support/volumes.js";
import type { FakeClock } from "../support/fake-clock.js";

export interface TargetParts {
  readonly name: string;
  readonly dataPath: string;
  /** The link through which others reach it. */
  readonly link: TcpProxy;
  /** The volume of its data; null where none can be mounted. */
  readonly volume: SmallVolume | null;
  /** Null where libfaketime is missing. */
  readonly clock: FakeClock | null;
  /** Its process at the moment. */
  readonly daemon: () => DaemonProcess;
  /** Starts it again after it has ended. */
  readonly start: () => Promise<void>;
}

/** A daemon that is disturbed: the server or an agent. */
export class Target {
  readonly name: string;
  readonly dataPath: string;
  readonly link: TcpProxy;
  readonly volume: SmallVolume | null;
  readonly clock: FakeClock | null;
  readonly #parts: TargetParts;
  #filesAtStart: readonly string[] = [];

  constructor(parts: TargetParts) {
    this.name = parts.name;
    this.dataPath = parts.dataPath;
    this.link = parts.link;
    this.volume = parts.volume;
    this.clock = parts.clock;
    this.#parts = parts;
  }

  get isServer(): boolean {
    return this.name === "server";
  }

  get daemon(): DaemonProcess {
    return this.#parts.daemon();
  }

  get isRunning(): boolean {
    const { exitCode, signalCode } = this.daemon.child;
    return exitCode === null && signalCode === null;
  }

  /** What its descriptors led to when its process came up. */
  get filesAtStart(): readonly string[] {
    return this.#filesAtStart;
  }

  async start(): Promise<void> {
    await this.#parts.start();
    await this.noteOpenFiles();
  }

  async noteOpenFiles(): Promise<void> {
    this.#filesAtStart = await openFiles(this.daemon.pid);
  }

  /** Undoes what still disturbs it. */
  async calm(): Promise<void> {
    this.daemon.child.kill("SIGCONT");
    this.link.release();
    this.link.heal();
    await this.volume?.makeRoom();
    await this.clock?.set(0);
    if (!this.isRunning) await this.start();
  }
}
