import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import { z } from "zod";

import { nameList, readEnvironment, readSecret, wholeNumber } from "./config.js";

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

  it("gives a secret from a file before one from a variable", () => {
    const directory = mkdtempSync(join(tmpdir(), "jobctl-config-"));
    try {
      const file = join(directory, "token");
      writeFileSync(file, "from-file\n");
      assert.equal(readSecret("T", { T: "from-variable", T_FILE: file }), "from-file");
      assert.equal(readSecret("T", { T: "from-variable" }), "from-variable");
      assert.throws(() => readSecret("T", {}), /T_FILE is not set/);
      assert.throws(() => readSecret("T", { T_FILE: join(directory, "none") }), /cannot be read/);
      writeFileSync(file, "\n");
      assert.throws(() => readSecret("T", { T_FILE: file }), /is empty/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
