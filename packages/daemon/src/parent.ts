/** Told to the parent process, when there is one, as soon as a daemon answers requests. */
export interface ReadyMessage {
  readonly event: "ready";
  readonly url: string;
}

/** Told instead when it cannot start. */
export interface StartFailedMessage {
  readonly event: "start_failed";
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** Tells the process that started this one, over its IPC channel; without one it does nothing. */
export function tellParent(message: ReadyMessage | StartFailedMessage): void {
  process.send?.(message);
}
