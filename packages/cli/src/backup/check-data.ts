import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { JobctlError, isErrorCode } from "@jobctl/protocol/error";

/** Runs the server's own program, which alone knows its database. */
export async function runCheckData(
  what: "free" | "restored",
  path: string,
  order: object = {},
): Promise<Record<string, unknown>> {
  const program = fileURLToPath(import.meta.resolve("@jobctl/server/check-data"));
  const child = fork(program, [what, path, JSON.stringify(order)]);
  const message = await Promise.race([
    once(child, "message").then(([told]) => told as Record<string, unknown>),
    once(child, "exit").then(() => null),
  ]);
  if (message?.["event"] === "ready") return message;
  const code = message?.["code"];
  throw new JobctlError(
    isErrorCode(code) ? code : "daemon_failed",
    message === null ? `${path} could not be checked` : String(message["message"]),
    typeof message?.["hint"] === "string" ? { hint: message["hint"] } : {},
  );
}
