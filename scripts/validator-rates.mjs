// Prints how many honest scripts the validator blocks, and how many attacks it finds, family by family. Without a
// directory it takes the samples of the project; with one, the files benign-*.jsonl and malicious-*.jsonl in it, one
// JSON object with `id`, `text` and, of attacks, `family` on each line. With --list also which ones it gets wrong.
// The samples are data: they are read, never run.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { DEFAULT_POLICY, validate } from "@jobctl/validator";

import { attackSamples, honestSamples } from "../packages/validator/dist/samples.test-support.js";

/** What only starts a shell is for information. */
const NOT_COUNTED = "info-shell-spawn";

const print = (line) => process.stdout.write(`${line}\n`);
const percent = (part, whole) =>
  `${part} of ${whole} (${whole === 0 ? "0.0" : ((100 * part) / whole).toFixed(1)}%)`;
const list = process.argv.includes("--list");
const [directory] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const { honest, attacks } =
  directory === undefined
    ? ownSamples()
    : { honest: read(directory, "benign-"), attacks: read(directory, "malicious-") };

for (const network of [true, false]) {
  const checked = check(honest, { ...DEFAULT_POLICY, network });
  const blocked = checked.filter(({ counts }) => counts.error > 0);
  const warned = checked.filter(({ counts }) => counts.warning > 0);
  print(
    `honest, ${network ? "with" : "without"} network: blocked ${percent(blocked.length, checked.length)}, ` +
      `with warnings ${percent(warned.length, checked.length)}`,
  );
  if (!list || !network) continue;
  for (const { id, diagnostics } of [...new Set([...blocked, ...warned])])
    for (const { rule, severity, line, message } of diagnostics)
      if (severity !== "info") print(`  ${id}:${line} ${severity} ${rule}: ${message}`);
}

const counted = check(attacks, DEFAULT_POLICY).filter(({ family }) => family !== NOT_COUNTED);
const families = [...new Set(counted.map(({ family }) => family))].toSorted();
for (const family of families)
  printFound(
    family,
    counted.filter((sample) => sample.family === family),
  );
printFound("all attacks", counted);

function printFound(name, samples) {
  const missed = samples.filter(({ counts }) => counts.error === 0);
  const unnoticed = missed.filter(({ counts }) => counts.warning === 0);
  print(
    `${name}: errors ${percent(samples.length - missed.length, samples.length)}, ` +
      `errors or warnings ${percent(samples.length - unnoticed.length, samples.length)}`,
  );
  if (!list || name === "all attacks") return;
  for (const { id, counts } of missed)
    print(`  ${counts.warning > 0 ? "only a warning" : "missed"}: ${id}`);
}

function check(samples, policy) {
  return samples.map(({ id, family, text }) => {
    const { counts, diagnostics } = validate(Buffer.from(text), "run.sh", policy);
    return { id, family, counts, diagnostics };
  });
}

function ownSamples() {
  const named = [...honestSamples()].map(([id, text]) => ({ id, text }));
  const attacked = [...attackSamples()].flatMap(([family, texts]) =>
    texts.map((text) => ({ id: JSON.stringify(text), family, text })),
  );
  return { honest: named, attacks: attacked };
}

function read(folder, prefix) {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
