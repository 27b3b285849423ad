import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { DEFAULT_POLICY, RULES, validate, type Policy } from "../index.js";
import type { Rule } from "../rule.js";

const rulesIn = (script: string, policy: Policy): string[] =>
  validate(Buffer.from(script), "run.sh", policy).diagnostics.map(({ rule }) => rule);

const shown = (script: string): string => JSON.stringify(script.slice(0, 80));

describe("the examples of the rules", () => {
  for (const rule of RULES as readonly Rule[]) {
    const profile = rule.strictOnly === true ? "strict" : "standard";
    const policy: Policy = { ...DEFAULT_POLICY, profile };
    for (const script of rule.examples.dangerous)
      it(`${rule.id} catches ${shown(script)}`, () => {
        assert.ok(rulesIn(script, policy).includes(rule.id), rulesIn(script, policy).join(" "));
      });
    for (const script of rule.examples.honest)
      it(`${rule.id} leaves ${shown(script)} alone`, () => {
        assert.ok(!rulesIn(script, policy).includes(rule.id));
      });
  }
});
