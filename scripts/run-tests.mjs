// Runs the compiled tests: the unit tests in one process, the others in one process a file, two at
// a time. Prints each suite as it ends, and one count for all of it; a complete run leaves its results
// in test/dist/results.json.
import { readdir, writeFile } from "node:fs/promises";
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
const results = [];
const compiled = join(root, "test/dist");
// One process a core: what runs here starts daemons of its own.
const stream = run({ files, concurrency: 2, timeout: TEST_TIMEOUT_MS });
/** Tests whose outermost suite has not ended yet: it says which file they are of. */
let open = [];
function count(event, outcome) {
  if (event.details.type !== "suite") {
    counts[outcome] += 1;
    open.push({ test: event.name, outcome });
  }
  if (event.nesting > 0) return;
  const suite = event.file?.startsWith(compiled)
    ? relative(compiled, event.file).replace(/(\.test)?\.js$/, "")
    : "unit";
  results.push(...open.map((test) => ({ suite, ...test })));
  open = [];
}
stream.on("test:pass", (event) => {
  count(event, event.skip === undefined && event.todo === undefined ? "passed" : "skipped");
});
stream.on("test:fail", (event) => count(event, "failed"));
const report = stream.compose(spec);
report.pipe(process.stdout);
await finished(report);

if (wanted.length === 0) await writeFile(join(compiled, "results.json"), JSON.stringify(results));
process.stdout.write(
  `\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
