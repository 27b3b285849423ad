import { parentPort, workerData } from "node:worker_threads";

import { validate } from "./index.js";

// A worker of the tests: validates what it is given, and says how long each took, in milliseconds.
const durations = (workerData as string[]).map((script) => {
  const began = performance.now();
  validate(Buffer.from(script), "run.sh");
  return performance.now() - began;
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(durations);
