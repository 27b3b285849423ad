// Writes docs/compliance.md: what an installation promises, from test/promises.json, and what the last complete
// run of ./scripts/test has shown of it. With --check it only compares, and fails when a test is gone, has not
// passed, or the page is out of date.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const PAGE = join(root, "docs/compliance.md");

const areas = JSON.parse(await readFile(join(root, "test/promises.json"), "utf8"));
const results = await lastResults();
const outcomes = new Map();
for (const { suite, test, outcome } of results) {
  const key = `${suite}: ${test}`;
  // Of several with one name all have to pass.
  if ((outcomes.get(key) ?? "passed") === "passed") outcomes.set(key, outcome);
}
const unshown = [];

const rows = (promises) =>
  promises.map(({ promise, suite, tests }) => {
    const missing = tests.filter((test) => outcomes.get(`${suite}: ${test}`) !== "passed");
    for (const test of missing)
      unshown.push(
        `${suite}: ${test}: ${outcomes.get(`${suite}: ${test}`) ?? "there is no such test"}`,
      );
    const result =
      missing.length === 0 ? "passed" : `${tests.length - missing.length} of ${tests.length}`;
    return `| ${promise} | \`${suite}\`: ${tests.join("; ")} | ${result} |`;
  });

const page = [
  "# What is promised, and the tests that show it",
  "",
  "Each line is a promise to those who run jobctl, with the tests that try to break it on real servers, agents,",
  "sandboxes and containers. `./scripts/test NAME` runs a suite. Made from the results of a complete run by",
  "`npm run compliance`.",
  ...areas.flatMap(({ area, promises }) => [
    "",
    `## ${area}`,
    "",
    "| promise | shown by | result |",
    "|---|---|---|",
    ...rows(promises),
  ]),
  "",
].join("\n");

for (const line of unshown) process.stderr.write(`not shown: ${line}\n`);
if (process.argv.includes("--check")) {
  const current = await readFile(PAGE, "utf8").catch(() => null);
  if (current !== page)
    process.stderr.write("docs/compliance.md is out of date: npm run compliance\n");
  process.exitCode = current === page && unshown.length === 0 ? 0 : 1;
} else {
  await writeFile(PAGE, page);
}

async function lastResults() {
  try {
    return JSON.parse(await readFile(join(root, "test/dist/results.json"), "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    process.stderr.write("There are no results: run ./scripts/test first, without arguments.\n");
    return process.exit(1);
  }
}
