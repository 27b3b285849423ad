// Writes docs/compliance.md: what an installation promises, from test/src/support/promises.ts, and what the last
// complete run of ./scripts/test tried of it. With --check it only compares, and fails when a promise is not
// shown, a tag names no promise, a test was skipped or failed, or the page is out of date. Only what needs a cluster
// from outside may be skipped, where JOBCTL_KUBERNETES_START names no program that starts one.
// --results FILE and --page FILE take other files than test/dist/results.json and docs/compliance.md.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = new URL("..", import.meta.url).pathname;
const { values: options } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    results: { type: "string", default: join(root, "test/dist/results.json") },
    page: { type: "string", default: join(root, "docs/compliance.md") },
  },
});

const { PROMISES } = await import(join(root, "test/dist/support/promises.js"));
const results = await readResults(options.results);
const problems = findProblems();
const page = makePage();

for (const line of problems) process.stderr.write(`${line}\n`);
if (options.check) {
  const current = await readFile(options.page, "utf8").catch(() => null);
  if (current !== page)
    process.stderr.write(`${options.page} is out of date: npm run compliance\n`);
  process.exitCode = current === page && problems.length === 0 ? 0 : 1;
} else {
  await writeFile(options.page, page);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

function findProblems() {
  const tags = results.flatMap(({ file, test, outcome, shows }) =>
    shows.map(({ promise }) => ({ promise, outcome, where: `${file}: ${test}` })),
  );
  const isShown = new Set(tags.filter((tag) => tag.outcome === "passed").map((tag) => tag.promise));
  const ids = new Set(PROMISES.map(({ id }) => id));
  return [
    ...PROMISES.filter(({ id }) => !isShown.has(id)).map(({ id }) => `not shown: ${id}`),
    ...tags
      .filter(({ promise }) => !ids.has(promise))
      .map(({ promise, where }) => `no such promise: ${promise} (${where})`),
    // What a test that did not pass would have shown is unknown, as its tags may be missing.
    ...results
      .filter((result) => result.outcome !== "passed" && !mayBeSkipped(result))
      .map(({ file, test, outcome }) => `${outcome}: ${file}: ${test}`),
  ];
}

/** Whether it was skipped for want of a cluster, and there is none. */
function mayBeSkipped({ outcome, reason }) {
  const lacksCluster = reason?.startsWith("JOBCTL_KUBERNETES_START ") ?? false;
  return outcome === "skipped" && lacksCluster && !process.env.JOBCTL_KUBERNETES_START;
}

function makePage() {
  const areas = [...new Set(PROMISES.map(({ area }) => area))];
  return [
    "# What is promised, and what was tried to break it",
    "",
    "Each promise is one to those who run jobctl. Below it is what the tests tried on real servers, agents, sandboxes",
    "and containers in a complete run, how often, and the file of `test/src` or, for a unit test, the package. All of it",
    "passed. `./scripts/test NAME` runs a file; what is in `security/attacks` and `support` is tried in several places, by",
    "`./scripts/test security`. `npm run compliance` writes this page.",
    ...areas.flatMap((area) => [
      "",
      `## ${area}`,
      ...PROMISES.filter((promise) => promise.area === area).flatMap(sectionOf),
    ]),
    "",
  ].join("\n");
}

function sectionOf({ id, text, source }) {
  return [
    "",
    `### ${text}`,
    "",
    `\`${id}\`, from [${source}](${linkTo(source)})`,
    "",
    "| what was tried | how often | by |",
    "|---|---|---|",
    ...triedFor(id).map(
      ({ what, times, isAtLeast, file }) =>
        `| ${what.replaceAll("|", "\\|")} | ${isAtLeast ? "at least " : ""}${times} | \`${file}\` |`,
    ),
  ];
}

/** What several tests of one file call the same is counted together. */
function triedFor(id) {
  const rows = new Map();
  for (const { file, outcome, shows } of results) {
    if (outcome !== "passed") continue;
    for (const { promise, what, times, isAtLeast } of shows) {
      if (promise !== id) continue;
      const row = rows.get(`${file}: ${what}`) ?? { file, what, times: 0, isAtLeast: false };
      row.times += times;
      row.isAtLeast ||= isAtLeast;
      rows.set(`${file}: ${what}`, row);
    }
  }
  // Files are run at the same time, so the order of results differs between runs.
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function linkTo(source) {
  return source.startsWith("docs/") ? source.slice("docs/".length) : `../${source}`;
}

async function readResults(path) {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    process.stderr.write("There are no results: run ./scripts/test first, without arguments.\n");
    return process.exit(1);
  }
}
