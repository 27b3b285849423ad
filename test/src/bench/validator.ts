/**
 * How long scripts take to check: of 100 and 10,000 lines, the honest samples, the first check of a checker as an
 * agent has one, and what is made to be slow. `npm run bench:validator`
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

import { DEFAULT_POLICY, validate } from "@jobctl/validator";
import { ScriptChecker, type Report } from "@jobctl/validator/checker";

import { honestSamples } from "../../../packages/validator/dist/samples.test-support.js";
import { summarize } from "../support/figures.js";
import { HOSTILE_SCRIPTS } from "../support/hostile-scripts.js";

/** Runs that count, after as many that only make the code warm. */
const RUNS = { 100: 200, 10_000: 20 };
/** Rounds over the honest samples, of which the second half counts. */
const ROUNDS = 10;
/** What job scripts are made of, again and again. */
const LINES = [
  "module load gcc/12 openmpi/4.1",
  'for f in data/*.txt; do ./tool --in "$f" --out "${f%.txt}.out" 2>> err.log; done',
  'if [[ -f "$WORK/result.dat" ]]; then cp "$WORK/result.dat" .; fi',
  "srun --ntasks=4 ./solve --steps $((n * 10)) | tee log.txt",
  'echo "step $step of 10: $(date +%T)" >&2',
];

const print = (line: string): unknown => process.stdout.write(`${line}\n`);

for (const lines of [100, 10_000] as const) {
  const script = Buffer.from(
    Array.from({ length: lines }, (_, n) => LINES[n % LINES.length]).join("\n"),
  );
  const times = Array.from({ length: 2 * RUNS[lines] }, () => timeOf(script));
  const [first = 0] = times;
  const warm = summarize(times.slice(RUNS[lines]), "ms");
  print(`${lines} lines: first ${first.toFixed(1)} ms, then ${warm}`);
}

const honest = [...honestSamples().values()].map((text) => Buffer.from(text));
const rounds = Array.from({ length: ROUNDS }, () => honest.map(timeOf));
const warm = rounds.slice(ROUNDS / 2).flat();
print(`honest samples: ${summarize(warm, "ms")}, at most ${Math.max(...warm).toFixed(1)} ms`);

const checker = new ScriptChecker({ isWarmedUp: true });
await checker.ready();
const began = performance.now();
await check(honest[0] ?? Buffer.alloc(0));
print(`first check of a warmed-up thread: ${(performance.now() - began).toFixed(1)} ms`);

for (const [name, text] of HOSTILE_SCRIPTS) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let mostBytes = 0;
  const before = process.memoryUsage().rss;
  const sampler = setInterval(() => {
    mostBytes = Math.max(mostBytes, process.memoryUsage().rss - before);
  }, 5);
  delay.enable();
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  const [report] = await check(Buffer.from(text));
  const ms = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  delay.disable();
  clearInterval(sampler);
  const reason = report?.diagnostics.find(({ severity }) => severity === "error");
  print(
    `1 MiB of ${name}: ${ms.toFixed(0)} ms (${((cpu.user + cpu.system) / 1000).toFixed(0)} ms of CPU), ${(mostBytes / 1e6).toFixed(0)} MB more, the caller waits at most ` +
      `${(delay.max / 1e6).toFixed(0)} ms; ${report?.verdict} ${reason?.rule ?? ""} ${reason?.message ?? ""}`,
  );
}
await checker.close();

function timeOf(script: Buffer): number {
  const start = performance.now();
  const { verdict } = validate(script, "run.sh");
  if (verdict !== "accept") throw new Error("an honest script was rejected");
  return performance.now() - start;
}

function check(content: Buffer): Promise<Report[]> {
  return checker.check({ script: "run.sh", read: () => content, policy: DEFAULT_POLICY });
}
