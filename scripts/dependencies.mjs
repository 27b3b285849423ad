// What the project installs: that no package but those named here runs code while it is installed, that every
// archive is pinned by its digest, and which licences there are. Writes docs/licences.md; with --check it only
// compares, and with --audit it asks the registry for known vulnerabilities as well.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const LIST = join(root, "docs/licences.md");

/** SQLite's binding is compiled where no binary of it fits. */
const MAY_RUN_SCRIPTS = new Set(["better-sqlite3"]);

/** Licences that ask for no more than their own text. */
const LICENCES = new Set([
  ...["MIT", "MIT-0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0"],
  ...["BlueOak-1.0.0", "CC0-1.0", "Unlicense", "Python-2.0", "WTFPL"],
]);

const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
const installed = Object.entries(lock.packages)
  .filter(([path, entry]) => path.includes("node_modules/") && entry.link !== true)
  .map(([path, entry]) => ({ ...entry, name: path.slice(path.lastIndexOf("node_modules/") + 13) }));

const problems = installed.flatMap(({ name, version, license, integrity, hasInstallScript }) => [
  ...(hasInstallScript === true && !MAY_RUN_SCRIPTS.has(name)
    ? [`${name} ${version} runs a script while it is installed`]
    : []),
  ...(integrity?.startsWith("sha512-") ? [] : [`${name} ${version} has no SHA-512`]),
  ...(isAllowed(license) ? [] : [`${name} ${version} has the licence ${license ?? "(none)"}`]),
]);
if (JSON.stringify(lock).includes('"resolved":"http'))
  problems.push("the lock file names a registry");

/** `(MIT OR GPL-2.0)` is allowed for its MIT; `MIT AND Zlib` needs both. */
function isAllowed(licence) {
  const alternatives = (licence ?? "").replaceAll(/[()]/g, "").split(" OR ");
  return alternatives.some((one) => one.split(" AND ").every((part) => LICENCES.has(part.trim())));
}

const rows = installed
  .filter(({ dev }) => dev !== true)
  .map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
const text = `# Licences

The packages that a running jobctl contains, and their licences. \`npm run licences\` writes this list from the
lock file; the check fails for any licence that is not permissive.

| package | version | licence |
| --- | --- | --- |
${[...new Set(rows)].toSorted().join("\n")}
`;
if (process.argv.includes("--check")) {
  // The formatter aligns the table.
  const folded = (table) => table.replaceAll(/ +/g, " ").replaceAll(/-+/g, "-");
  const written = readFileSync(LIST, "utf8");
  if (folded(written) !== folded(text))
    problems.push("docs/licences.md is not up to date: npm run licences");
} else {
  writeFileSync(LIST, text);
}
if (process.argv.includes("--audit")) problems.push(...audit());

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Known vulnerabilities, of high severity and above; a mirror need not know of any. */
function audit() {
  const { stdout } = spawnSync("npm", ["audit", "--json", "--audit-level=high"], { cwd: root });
  const answer = JSON.parse(stdout.toString() || "{}");
  if (answer.vulnerabilities === undefined) {
    const reason = answer.message ?? "no answer";
    process.stdout.write(`not audited, the registry has no list of vulnerabilities: ${reason}\n`);
    return [];
  }
  const found = Object.values(answer.vulnerabilities);
  process.stdout.write(`audited ${installed.length} packages: ${found.length} vulnerabilities\n`);
  return found
    .filter(({ severity }) => severity === "high" || severity === "critical")
    .map(({ name, severity, range }) => `${name} ${range} has a ${severity} vulnerability`);
}
