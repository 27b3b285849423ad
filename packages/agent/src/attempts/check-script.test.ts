import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { MAX_FINDINGS_BYTES, type Finding } from "@jobctl/protocol";

import { limitFindings } from "./check-script.js";

const finding = (line: number, severity: Finding["severity"], source = "true"): Finding => ({
  ...{ rule: "NET-REMOTE", file: "run.sh", severity, line, column: 1, endColumn: null },
  ...{ source, message: "it fetches something", hint: null },
});

describe("the findings of a report", () => {
  it("are all there when they fit, in order", () => {
    const few = [finding(1, "warning"), finding(2, "error"), finding(3, "info")];
    assert.deepEqual(limitFindings(few), few);
  });

  it("never exceed what a server accepts, and errors come first", () => {
    const warnings = Array.from({ length: 50_000 }, (_, n) => finding(n + 1, "warning"));
    const limited = limitFindings([...warnings, finding(60_000, "error", "x".repeat(100_000))]);
    assert.ok(Buffer.byteLength(JSON.stringify(limited)) < MAX_FINDINGS_BYTES + 2000);
    assert.ok(limited.length > 100);
    assert.equal(limited.at(-1)?.severity, "error");
    assert.equal(limited[0]?.line, 1);
  });
});
