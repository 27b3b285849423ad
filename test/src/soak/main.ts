/**
 * Daemons that are disturbed in every way while jobs go through them: `npm run soak -- --seconds 600 --seed 7`. The
 * seed decides what is done; without one it is chosen and printed. Ends with 1 when something was violated.
 */
import { parseArgs } from "node:util";

import { formatReport } from "./report.js";
import { soak } from "./soak.js";

const USAGE = "usage: npm run soak -- [--seconds N] [--seed N]\n";

/** @throws Error for anything but a whole number from 0 */
function wholeNumber(name: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new Error(`--${name} ${JSON.stringify(value)}: a whole number is needed, such as 60`);
}

function readOptions(): Parameters<typeof soak>[0] {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  return {
    seconds: wholeNumber("seconds", values.seconds),
    seed: wholeNumber("seed", values.seed),
  };
}

let options: ReturnType<typeof readOptions> | null = null;
try {
  options = readOptions();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}`);
  process.exitCode = 2;
}
if (options !== null) {
  process.stdout.write(`soak: ${options.seconds} s with seed ${options.seed}\n`);
  const report = await soak(options);
  process.stdout.write(formatReport(report));
  if (report.violations.length > 0) process.exitCode = 1;
}
