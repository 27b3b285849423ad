// Collects what a run of tests reports: each test with its file and outcome, and the promises that it says it
// shows. A test says so in a diagnostic: `promise ID`, `promise ID: 50 take-overs`, or
// `promise ID: at least 25 jobs`, where the exact number differs between runs.
import { relative } from "node:path";

const TAG = /^promise (?<promise>\S+?)(?:: (?<least>at least )?(?<times>\d+) (?<what>.+))?$/;

/**
 * Follows the events of `run()`.
 *
 * @param root of the repository; names of files are relative to it
 * @returns a list that is complete when the run is: `{ file, test, outcome, reason, shows }`, where outcome is
 *   `passed`, `failed` or `skipped`, reason why it was skipped, where it says so, and shows has
 *   `{ promise, what, times, isAtLeast }`
 */
export function collectResults(stream, root) {
  const results = [];
  const add = (event, outcome) => {
    // A suite that is skipped reports none of its tests.
    if (event.details.type === "suite" && outcome === "passed") return;
    const reason = typeof event.skip === "string" ? event.skip : undefined;
    const file = nameOf(event.file ?? "", root);
    results.push({ file, test: event.name, outcome, reason, shows: [] });
  };
  stream.on("test:pass", (event) => {
    add(event, event.skip === undefined && event.todo === undefined ? "passed" : "skipped");
  });
  stream.on("test:fail", (event) => {
    // A suite fails with its tests, which are counted, or by itself: in a hook, or while it is defined.
    const isOfTests = event.details.error?.failureType === "subtestsFailed";
    if (event.details.type !== "suite" || !isOfTests) add(event, "failed");
  });
  // Diagnostics come right after the test that they are of.
  stream.on("test:diagnostic", ({ message }) => {
    const tag = TAG.exec(message)?.groups;
    const last = results.at(-1);
    if (tag === undefined || last === undefined) return;
    last.shows.push({
      promise: tag.promise,
      what: tag.what ?? last.test,
      times: Number(tag.times ?? 1),
      isAtLeast: tag.least !== undefined,
    });
  });
  return results;
}

/** `test/dist/chaos/links.test.js` is `chaos/links`, a unit test `server/telemetry.test`. */
function nameOf(file, root) {
  return relative(root, file)
    .replace(/^test\/dist\/(.*?)(\.test)?\.js$/, "$1")
    .replace(/^packages\/(\w+)\/dist\/(.*)\.js$/, "$1/$2");
}
