import { once } from "node:events";
import { createInterface } from "node:readline/promises";

import { JobctlError } from "@jobctl/protocol/error";

import { printable } from "./printable.js";

/**
 * Asks before something is removed, unless `--yes` has said so already. Anything but a yes is a no.
 *
 * @throws JobctlError `usage` when there is nobody to ask, `interrupted` for a no
 */
export async function confirm(
  flags: { readonly yes?: boolean },
  question: string,
  signal: AbortSignal,
): Promise<void> {
  if (flags.yes === true) return;
  if (!process.stdin.isTTY) {
    throw new JobctlError("usage", "this needs --yes when nobody can be asked", {
      hint: `It would have asked: ${question}`,
    });
  }
  // The terminal itself edits the line, and turns Ctrl-C into a signal.
  const prompt = createInterface({
    input: process.stdin,
    output: process.stderr,
    terminal: false,
  });
  try {
    const closed = once(prompt, "close").then(() => "");
    const answer = await Promise.race([
      prompt.question(`${printable(question)} [y/N] `, { signal }),
      closed,
    ]);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    prompt.close();
  }
  throw new JobctlError("interrupted", "nothing was done");
}
