// Writes packages/validator/src/rules/index.ts, the list of the rules: one for each file rules/FAMILY/ID.ts, without what
// they share in rules/shared and rules/data. It runs before the compiler does; with --check it only compares, and fails
// when the list is out of date.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const root = new URL("../packages/validator/src/rules/", import.meta.url);
const nameOf = (file) => file.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
const files = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["shared", "data"].includes(entry.name))
  .flatMap(({ name: family }) =>
    readdirSync(new URL(`${family}/`, root))
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => `${family}/${file.slice(0, -".ts".length)}`),
  )
  .toSorted();

const imports = files.map((file) => {
  const name = nameOf(file.split("/")[1]);
  return `import { rule as ${name} } from "./${file}.js";`;
});
const names = files.map((file) => `  ${nameOf(file.split("/")[1])},`);
const text = `// Made by scripts/list-rules.mjs from the files of the rules.
import type { Rule } from "../rule.js";
${imports.join("\n")}

/** Every rule that there is. docs/validation.md is made from this list. */
export const RULES = [
${names.join("\n")}
] as const satisfies readonly Rule[];

export type RuleId = (typeof RULES)[number]["id"];
`;

const index = new URL("index.ts", root);
const current = readFileSync(index, { encoding: "utf8", flag: "a+" });
if (current !== text) {
  if (process.argv.includes("--check")) {
    process.stderr.write(
      "packages/validator/src/rules/index.ts is out of date; run npm run build\n",
    );
    process.exitCode = 1;
  } else writeFileSync(index, text);
}
