import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { DEFAULT_POLICY, validate } from "./index.js";
import { attackSamples, doubtfulSamples } from "./samples.test-support.js";

const PRIVATE = /[\uE000-\uF8FF]/;
const strict = { ...DEFAULT_POLICY, profile: "strict" } as const;

function checkMessages(script: string): void {
  for (const { rule, message, resolved, trace } of validate(Buffer.from(script), "run.sh", strict)
    .diagnostics) {
    const said = [message, resolved, ...trace.map(({ name }) => name)].join("\n");
    assert.ok(!PRIVATE.test(said), `${rule} of ${JSON.stringify(script)}: ${said}`);
  }
}

describe("messages", () => {
  const scripts = [...attackSamples().values(), ...doubtfulSamples().values()].flat();

  it("have none of the characters that stand for what is not known", () => {
    for (const script of scripts) checkMessages(script);
  });

  it("have none of them when words are replaced by what is not known", () => {
    const unknown = fc.constantFrom(
      "$x",
      "${x:-$y}",
      "$(a)",
      "$1",
      "$@",
      "~",
      "$0",
      "${!x}",
      "$HOME",
    );
    fc.assert(
      fc.property(fc.constantFrom(...scripts), unknown, fc.nat(30), (script, by, at) => {
        const words = script.split(" ");
        words[at % words.length] += by;
        checkMessages(words.join(" "));
      }),
      { numRuns: 1000 },
    );
  });
});
