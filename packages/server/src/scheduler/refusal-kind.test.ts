import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ERRORS, isErrorCode } from "@jobctl/protocol";

import { refusalKind } from "./refusal-kind.js";

/** The only codes that may end a job. */
const ENDS = new Set([
  ...["archive_expands_too_much", "archive_invalid", "archive_too_large"],
  ...["archive_too_many_entries", "archive_unsafe_entry", "run_script_missing", "script_rejected"],
  ...["body_too_large", "headers_too_large", "invalid_request"],
]);

describe("the failure of a dispatch", () => {
  for (const code of Object.keys(ERRORS).filter(isErrorCode)) {
    it(`${code} ${ENDS.has(code) ? "ends the job" : "does not end the job"}`, () => {
      const kind = refusalKind(code);
      assert.equal(kind === "rejected" || kind === "unrunnable", ENDS.has(code), kind);
    });
  }
});
