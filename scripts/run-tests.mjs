// Runs the compiled tests: the unit tests in one process, the others in one process a file, two at
// a time. Prints each suite as it ends, and one count for all of it.
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { finished } from "node:stream/promises";

const root = new URL("..", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const isWanted = (file) =>
  wanted.length === 0 || wanted.some((part) => relative(root, file).includes(part));

/** Longest time for one file; the slowest builds images first, or soaks as long as it is told to. */
const TEST_TIMEOUT_MS = 600_000 + Number(process.env.JOBCTL_SOAK_SECONDS ?? 60) * 1000;

async function testFiles(directory) {
  const names = await readdir(join(root, directory), { recursive: true });
  return names
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(root, directory, name))
    .toSorted();
}

const across = (await testFiles("test/dist")).filter(isWanted);
const unit = join(root, "scripts/unit-tests.mjs");
const files = [...(isWanted(unit) ? [unit] : []), ...across];

const counts = { passed: 0, failed: 0, skipped: 0 };
// One process a core: what runs here starts daemons of its own.
const stream = run({ files, concurrency: 2, timeout: TEST_TIMEOUT_MS });
const isTest = ({ details }) => details.type !== "suite";
stream.on("test:pass", (event) => {
  if (!isTest(event)) return;
  if (event.skip !== undefined || event.todo !== undefined) counts.skipped += 1;
  else counts.passed += 1;
});
stream.on("test:fail", (event) => {
  if (isTest(event)) counts.failed += 1;
});
const report = stream.compose(spec);
report.pipe(process.stdout);
await finished(report);

process.stdout.write(
  `\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
