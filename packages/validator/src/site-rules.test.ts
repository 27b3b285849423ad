import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { DEFAULT_POLICY, catalogueWith, parseSiteRules, validate, type SiteRule } from "./index.js";

const RULES = [
  { command: "rclone", severity: "warning", why: "copies to a place that nobody backs up" },
  {
    id: "HOUSE-NODE",
    command: ["qsub", "sbatch"],
    options: ["--exclusive", "-x"],
    severity: "error",
    why: "takes a whole node",
    fix: "Ask for cores.",
  },
];

function parsed(list: unknown): readonly SiteRule[] {
  const read = parseSiteRules(JSON.stringify(list));
  assert.ok("rules" in read, JSON.stringify(read));
  return read.rules;
}

describe("rules of a site", () => {
  const rules = catalogueWith(parsed(RULES));
  const found = (script: string): string[] =>
    validate(Buffer.from(script), "run.sh", { ...DEFAULT_POLICY, network: true }, rules)
      .diagnostics.filter(({ category }) => category === "site")
      .map(({ rule, severity }) => `${rule} ${severity}`);

  it("are found as the others are", () => {
    assert.deepEqual(found("rclone lsd x:"), ["SITE-1 warning"]);
    assert.deepEqual(found("n=sbatch; srun $n -x a.sh"), ["HOUSE-NODE error"]);
    assert.deepEqual(found("bash -c 'sbatch --exclusive=user a.sh'"), ["HOUSE-NODE error"]);
    assert.deepEqual(found("sbatch a.sh; echo rclone"), []);
    assert.equal(rules.rule("HOUSE-NODE").fix, "Ask for cores.");
  });

  it("are refused with everything that is wrong with them", () => {
    const list = [
      { command: "a/b", severity: "fatal", why: "" },
      { id: "PRIV-CMD", command: "x", options: ["x"], severity: "error", why: "w", regex: "x" },
      { id: "lower", severity: "error", why: "w" },
      "rclone",
    ];
    const read = parseSiteRules(JSON.stringify(list));
    assert.ok("problems" in read);
    const problems = read.problems.join("\n");
    for (const problem of [
      /rule 1: severity is to be one of error, warning, info/,
      /rule 1: command cannot be "a\/b"/,
      /rule 1: why is to be a text/,
      /rule 2: there is no "regex"/,
      /rule 2: options cannot be "x"/,
      /rule 2: there is already a rule PRIV-CMD/,
      /rule 3: id is to be of capital letters/,
      /rule 3: command is missing/,
      /rule 4: it is not an object/,
    ])
      assert.match(problems, problem);
    assert.deepEqual(parseSiteRules("{}"), { problems: ["it is not a list"] });
    assert.ok("problems" in parseSiteRules("["));
  });
});
