import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { z } from "zod";

import { nameList, readEnvironment, wholeNumber } from "./config.js";

describe("the environment", () => {
  const shape = z.object({ PORT: wholeNumber(1).default(8), NAMES: nameList().default([]) });

  it("is read with its defaults; an empty variable is one that is not set", () => {
    assert.deepEqual(readEnvironment(shape, { PORT: "", NAMES: "a, b,," }), {
      PORT: 8,
      NAMES: ["a", "b"],
    });
  });

  it("names every variable that cannot be used", () => {
    const wrong = z.object({ A: wholeNumber(1), B: wholeNumber(1) });
    assert.throws(() => readEnvironment(wrong, { A: "x", B: "0" }), {
      code: "config_invalid",
      message: "cannot start: A: must be a whole number; B: must be at least 1",
    });
  });
});
