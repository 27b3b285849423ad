import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { VERSION, compatibility } from "./version.js";

describe("compatibility", () => {
  const cases = [
    ["1.2.3", "1.9.0", "ok"],
    ["1.0.0", "2.0.0", "upgrade_client"],
    ["3.0.0", "2.9.9", "upgrade_server"],
    ["0.1.0", "0.1.9", "ok"],
    ["0.1.0", "0.2.0", "upgrade_client"],
    ["0.9.0", "1.0.0", "upgrade_client"],
    ["nonsense", "1.0.0", "ok"],
  ] as const;
  for (const [client, server, expected] of cases) {
    it(`of client ${client} and server ${server} is ${expected}`, () => {
      assert.equal(compatibility(client, server), expected);
    });
  }

  it("is about the version that the packages have", () => {
    const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
    assert.equal(JSON.parse(manifest).version, VERSION);
  });
});
