/** How long scripts of 100 and of 10,000 lines take to check, the first time and after that. `npm run bench:validator` */
import { validate } from "@jobctl/validator";

import { summarize } from "../support/figures.js";

/** Runs that count, after as many that only make the code warm. */
const RUNS = { 100: 200, 10_000: 20 };
/** What job scripts are made of, again and again. */
const LINES = [
  "module load gcc/12 openmpi/4.1",
  'for f in data/*.txt; do ./tool --in "$f" --out "${f%.txt}.out" 2>> err.log; done',
  'if [[ -f "$WORK/result.dat" ]]; then cp "$WORK/result.dat" .; fi',
  "srun --ntasks=4 ./solve --steps $((n * 10)) | tee log.txt",
  'echo "step $step of 10: $(date +%T)" >&2',
];

for (const lines of [100, 10_000] as const) {
  const script = Buffer.from(
    Array.from({ length: lines }, (_, n) => LINES[n % LINES.length]).join("\n"),
  );
  const times = Array.from({ length: 2 * RUNS[lines] }, () => {
    const began = performance.now();
    const { verdict } = validate(script, "run.sh");
    if (verdict !== "accept") throw new Error("an honest script was rejected");
    return performance.now() - began;
  });
  const [first = 0] = times;
  const warm = summarize(times.slice(RUNS[lines]), "ms");
  process.stdout.write(`${lines} lines: first ${first.toFixed(1)} ms, then ${warm}\n`);
}
