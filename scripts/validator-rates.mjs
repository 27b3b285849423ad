// Prints how many of the honest sample scripts the validator blocks, and how many attacks it finds.
// With --list also which ones it gets wrong. The samples are data: they are read, never run.
import { DEFAULT_POLICY, validate } from "@jobctl/validator";

import { attackSamples, honestSamples } from "../packages/validator/dist/samples.test-support.js";

const check = (script, policy = DEFAULT_POLICY) => validate(Buffer.from(script), "run.sh", policy);
const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)}%`;
const list = process.argv.includes("--list");
const print = (line) => process.stdout.write(`${line}\n`);

const honest = [...honestSamples()];
const withNetwork = { ...DEFAULT_POLICY, network: true };
const reports = honest.map(([name, script]) => [name, check(script, withNetwork)]);
const blocked = reports.filter(([, report]) => report.counts.error > 0);
const warned = reports.filter(([, report]) => report.counts.warning > 0);
print(
  `honest: ${honest.length} scripts, ${percent(blocked.length, honest.length)} blocked, ${percent(warned.length, honest.length)} with warnings`,
);
if (list)
  for (const [name, { diagnostics }] of [...blocked, ...warned])
    print(
      `  ${name}: ${diagnostics.map(({ rule, line }) => `${rule} in line ${line}`).join(", ")}`,
    );

let total = 0;
let errors = 0;
let noticed = 0;
for (const [family, scripts] of attackSamples()) {
  const found = scripts.map((script) => check(script).counts);
  const byError = found.filter(({ error }) => error > 0).length;
  const byAny = found.filter(({ error, warning }) => error + warning > 0).length;
  [total, errors, noticed] = [total + scripts.length, errors + byError, noticed + byAny];
  print(
    `${family}: ${scripts.length} attacks, ${percent(byError, scripts.length)} by errors, ${percent(byAny, scripts.length)} by errors or warnings`,
  );
  if (list)
    for (const [at, script] of scripts.entries())
      if (found[at].error === 0) print(`  missed: ${JSON.stringify(script)}`);
}
print(
  `attacks: ${total}, ${percent(errors, total)} by errors, ${percent(noticed, total)} by errors or warnings`,
);
