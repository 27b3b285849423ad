import { once } from "node:events";

import type { LogSink } from "./follow.js";

/** Writes a job's output to our own stdout and stderr, at the speed of whoever reads them. */
export function logPrinter(): LogSink {
  return async (stream, bytes) => {
    const target = stream === "stdout" ? process.stdout : process.stderr;
    if (!target.write(bytes)) await once(target, "drain");
  };
}
