import { parentPort, workerData } from "node:worker_threads";

import type { Answer, Question, ThreadData } from "./check-thread.js";
import type { Report } from "./diagnostic.js";
import { DEFAULT_POLICY } from "./policy.js";
import { catalogueWith } from "./site-rules.js";
import { checkJob, validate } from "./validate.js";

// The thread of a ScriptChecker: it checks one job at a time, and asks for each file that it needs.

/** Commands that make most of the code run, and nothing that is refused. */
const WARMING_UP = `#!/bin/bash
module load gcc openmpi
for f in data/*.txt; do ./tool --in "$f" --out "\${f%.txt}.out" 2>> err.log; done
if [[ -f "$WORK/result.dat" ]]; then cp "$WORK/result.dat" . && rm -rf tmp/x; fi
srun --ntasks=4 bash -c 'echo "$HOME"' | tee log.txt
cat > step.sh <<EOF
echo "$(date +%T)"
EOF
`;
const WARM_ROUNDS = 30;

const { isWarmedUp, siteRules } = workerData as ThreadData;
const rules = catalogueWith(siteRules);
let check: Generator<string, Report[], Uint8Array | null> | null = null;

if (isWarmedUp)
  for (let round = 0; round < WARM_ROUNDS; round += 1)
    validate(Buffer.from(WARMING_UP), "run.sh", DEFAULT_POLICY, rules);

parentPort?.on("message", (question: Question) => {
  if ("script" in question) {
    check = checkJob(question.script, question.policy, rules);
    proceed(check.next());
  } else if (check !== null) proceed(check.next(question.content));
});
say({ kind: "ready" });

function proceed(step: IteratorResult<string, Report[]>): void {
  if (step.done === true) say({ kind: "reports", reports: step.value });
  else say({ kind: "wants", path: step.value });
}

function say(answer: Answer): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(answer);
}
