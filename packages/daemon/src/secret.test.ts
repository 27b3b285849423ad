import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, mock } from "node:test";

import { Secret } from "./secret.js";

describe("a secret", () => {
  let directory: string;
  let file: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-secret-"));
    file = join(directory, "token");
  });
  after(() => rmSync(directory, { recursive: true }));

  it("is taken from a file before it is taken from a variable", () => {
    writeFileSync(file, "from-file\n");
    assert.equal(Secret.read("T", { T: "from-variable", T_FILE: file }).current, "from-file");
    assert.equal(Secret.read("T", { T: "from-variable" }).current, "from-variable");
    assert.equal(Secret.find("T", { T: "" }), null);
    assert.throws(() => Secret.read("T", {}), /T_FILE is not set/);
    const none = join(directory, "none");
    assert.throws(() => Secret.read("T", { T_FILE: none }), /cannot be read/);
    writeFileSync(file, "\n");
    assert.throws(() => Secret.read("T", { T_FILE: file }), /is empty/);
  });

  it("is read again when its file has changed; what is gone for a moment stays valid", () => {
    const clock = mock.method(performance, "now", () => 0);
    const later = (milliseconds: number): void => {
      clock.mock.mockImplementation(() => milliseconds);
    };
    try {
      writeFileSync(file, "old\n");
      const secret = Secret.read("T", { T_FILE: file });
      writeFileSync(file, "new-one\nold\n");
      assert.deepEqual(secret.values, ["old"]);
      later(1001);
      assert.deepEqual(secret.values, ["new-one", "old"]);
      assert.equal(secret.current, "new-one");
      rmSync(file);
      later(2002);
      assert.deepEqual(secret.values, ["new-one", "old"]);
      writeFileSync(file, "newest\n");
      later(3003);
      assert.deepEqual(secret.values, ["newest"]);
    } finally {
      clock.mock.restore();
    }
  });
});
