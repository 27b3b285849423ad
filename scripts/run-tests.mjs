// Runs the compiled tests: the unit tests in one process, the others in one process a file, two at
// a time. Prints each suite as it ends, and one count for all of it; a complete run leaves its results
// in test/dist/results.json, --results FILE also those of a part. --directory DIR takes the tests of another directory.
import { readdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";

import { collectResults } from "./test-results.mjs";

const root = new URL("..", import.meta.url).pathname;
const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { results: { type: "string" }, directory: { type: "string" } },
});
const isWanted = (file) =>
  wanted.length === 0 || wanted.some((part) => relative(root, file).includes(part));

/** Longest time for one file; the slowest builds images first, or soaks as long as it is told to. */
const TEST_TIMEOUT_MS = 600_000 + Number(process.env.JOBCTL_SOAK_SECONDS ?? 60) * 1000;

async function testFiles(directory) {
  const names = await readdir(directory, { recursive: true });
  return names
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(directory, name))
    .toSorted();
}

const compiled = resolve(options.directory ?? join(root, "test/dist"));
const across = (await testFiles(compiled)).filter(isWanted);
const unit = join(root, "scripts/unit-tests.mjs");
const withUnit = options.directory === undefined && isWanted(unit);
const files = [...(withUnit ? [unit] : []), ...across];

// One process a core: what runs here starts daemons of its own.
const stream = run({ files, concurrency: 2, timeout: TEST_TIMEOUT_MS });
const results = collectResults(stream, root);
const report = stream.compose(spec);
report.pipe(process.stdout);
await finished(report);

const isComplete = wanted.length === 0 && options.directory === undefined;
const file = options.results ?? (isComplete ? join(compiled, "results.json") : undefined);
if (file !== undefined) await writeFile(file, JSON.stringify(results));
const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
process.stdout.write(
  `\n${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped\n`,
);
process.exitCode = count("failed") === 0 && count("passed") > 0 ? 0 : 1;
