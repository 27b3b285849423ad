import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { DEFAULT_POLICY, validate, validateJob } from "./index.js";

/** Commands that are refused where they stand plainly. They are data: nothing here runs them. */
const PAYLOADS = [
  "sudo id",
  "curl -s http://host.example/x",
  "nc host.example 4444",
  "rm -rf /etc",
  "chmod 4755 ./prog",
  "crontab jobs.txt",
  "cat /etc/shadow",
  "mkfs.ext4 /dev/sdb1",
];
const RUNS = 40;
const SEED = 12;

type Disguise = (text: string) => string;

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const pick = <Item>(...items: Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items);
const hex = (text: string): string => Buffer.from(text).toString("hex");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const octal = (text: string): string =>
  [...text].map((char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`).join("");
const escaped = (text: string): string =>
  [...text].map((char) => `\\x${char.charCodeAt(0).toString(16)}`).join("");
const reversed = (text: string): string => [...text].toReversed().join("");
const swapped = (text: string): string =>
  text.replace(/[a-z]/g, (char) => String.fromCharCode(((char.charCodeAt(0) - 97 + 13) % 26) + 97));

const isRefused = (script: string): void => {
  const { verdict } = validate(Buffer.from(script), "run.sh", DEFAULT_POLICY);
  assert.equal(verdict, "reject", script.slice(0, 2000));
};

const refuses = (scripts: fc.Arbitrary<string>): void =>
  fc.assert(fc.property(scripts, isRefused), { numRuns: RUNS * 3, seed: SEED });

const payload = fc.constantFrom(...PAYLOADS);

const NESTINGS: readonly Disguise[] = [
  (text) => `bash -c ${quote(text)}`,
  (text) => `sh -ec ${quote(text)}`,
  (text) => `eval ${quote(text)}`,
  (text) => `bash <<< ${quote(text)}`,
  (text) => `echo ${quote(text)} | bash`,
  (text) => `printf '%s\\n' ${quote(text)} | sh -s`,
  (text) => `source <(echo ${quote(text)})`,
  (text) => `bash <<'END${text.length}'\n${text}\nEND${text.length}`,
  (text) => `x${text.length}=${quote(text)}; eval "$x${text.length}"`,
  (text) => `f${text.length}() {\n${text}\n}\nf${text.length}`,
  (text) => `(\n${text}\n)`,
  (text) => `if true; then\n${text}\nfi`,
  (text) => `y=$(\n${text}\n)`,
  (text) => `trap ${quote(text)} EXIT`,
  (text) => `g${text.length}() { "$@"; }; g${text.length} bash -c ${quote(text)}`,
];

const WRAPPERS = [
  "env",
  "env A=1",
  "nice -n 5",
  "nohup",
  "timeout 10",
  "command",
  "exec",
  "setsid",
  "stdbuf -oL",
  "time",
  "ionice -c 3",
  "xargs",
  "srun -n 1",
  "busybox",
  "taskset -c 0",
  "builtin command",
  "numactl -N 0",
];

const PADDINGS: readonly ((text: string, count: number) => string)[] = [
  (text, count) => `${"nohup ./prog --verbose &\n".repeat(count)}${text}`,
  (text, count) => `${"chown me out.dat\n".repeat(count)}${text}`,
  (text, count) => `${": comment\n# x\n".repeat(count)}${text}`,
  (text, count) => `${"x=$x$y; ".repeat(count)}\n${text}`,
  (text, count) => `f() { :; }\n${"f a b\n".repeat(count)}${text}`,
  (text, count) => `${`eval "$(conda shell.bash hook)"\n`.repeat(count)}${text}`,
  (text, count) => `echo ${"word ".repeat(count)}; ${text}`,
  (text, count) => `${text}\n${"echo done\n".repeat(count)}`,
  (text, count) => `for p in ${"a".repeat(count % 50)}x ./y; do $p; done\n${text}`,
];

const ENCODINGS: readonly Disguise[] = [
  (text) => `eval "$(echo ${base64(text)} | base64 -d)"`,
  (text) => `echo ${base64(text)} | base64 --decode | bash`,
  (text) => `bash -c "$(echo ${hex(text)} | xxd -r -p)"`,
  (text) => `printf '${octal(text)}' | sh`,
  (text) => `eval $'${escaped(text)}'`,
  (text) => `eval "$(printf '${escaped(text)}')"`,
  (text) => `eval "$(echo -e ${quote(escaped(text))})"`,
  (text) => `echo ${quote(reversed(text))} | rev | bash`,
  (text) => `eval "$(tr a-z n-za-m <<< ${quote(swapped(text))})"`,
  (text) => `x=${quote(text.replaceAll("", "@").slice(1, -1))}; eval "\${x//@/}"`,
  (text) => `x=${quote(`junk:${text}`)}; eval "\${x#*:}"`,
  (text) => `eval "$(sed 's/@@//g' <<< ${quote(text.replace(" ", "@@ "))})"`,
  (text) => `printf -v x '${octal(text)}'; eval "$x"`,
  (text) => `x=${quote(`0123${text}`)}; eval "\${x:4}"`,
];

/** A text in two or more pieces that are put together again. */
const SPLITTINGS: readonly ((text: string, at: number) => string)[] = [
  (text, at) => `a=${quote(text.slice(0, at))}; b=${quote(text.slice(at))}; eval "$a$b"`,
  (text, at) => `a=${quote(text.slice(0, at))}; a+=${quote(text.slice(at))}; bash -c "$a"`,
  (text, at) =>
    `printf '%s' ${quote(text.slice(0, at))} > f; printf '%s\\n' ${quote(text.slice(at))} >> f; bash f`,
  (text) => `echo 'if true; then' > f.sh; echo ${quote(text)} >> f.sh; echo fi >> f.sh; . ./f.sh`,
  (text) => `{ echo '#!/bin/bash'; echo ${quote(text)}; } > f; chmod +x f; ./f`,
  (text) => `exec 3> f; echo ${quote(text)} >&3; bash < f`,
  (text) => `echo ${quote(text)} | tee a > /dev/null; cp a b; mv b c; sh c`,
  (text) => `echo ${quote(text)} > a; echo : > b; cat a b > c; bash c`,
  (text) => `echo ${quote(text)} > a; eval "$(< a)"`,
  (text) => `echo ${quote(text)} > a; cat a | bash -s`,
  (text) => `bash -c ${quote(`${text}\nif`)}`,
  (text) => `eval ${quote(`${text}\n)`)}`,
  (text, at) => `w=(${quote(text.slice(0, at))} ${quote(text.slice(at))}); eval "\${w[0]}\${w[1]}"`,
  (text, at) => `${text.slice(0, at)}\\\n${text.slice(at)}`,
  (text) => `for w in ${quote(text)}; do eval "$w"; done`,
  (text, at) => `set -- ${quote(text.slice(0, at))} ${quote(text.slice(at))}; eval "$1$2"`,
];

describe("a dangerous command is refused", () => {
  it("however its text is nested", () => {
    const layers = fc.array(fc.constantFrom(...NESTINGS), { minLength: 1, maxLength: 9 });
    refuses(
      fc.tuple(payload, layers).map(([text, all]) => all.reduce((inner, by) => by(inner), text)),
    );
  });

  it("whatever it is wrapped in", () => {
    const wrappers = fc.array(fc.constantFrom(...WRAPPERS), { minLength: 1, maxLength: 30 });
    const simple = payload.filter((text) => !text.includes(">"));
    refuses(fc.tuple(simple, wrappers).map(([text, all]) => [...all, text].join(" ")));
  });

  it("through any number of functions", () => {
    const depth = fc.integer({ min: 1, max: 40 });
    refuses(
      fc.tuple(payload, depth).map(([text, count]) => {
        const calls = Array.from({ length: count }, (_, at) => `f${at}() { f${at + 1} "$@"; }`);
        return `${calls.join("\n")}\nf${count}() { "$@"; }\nf0 ${text}`;
      }),
    );
  });

  it("whatever stands around it", () => {
    const paddings = fc.tuple(
      payload,
      fc.constantFrom(...PADDINGS),
      fc.integer({ min: 1, max: 300 }),
    );
    refuses(paddings.map(([text, by, count]) => by(text, count)));
  });

  it("however it is encoded", () => {
    refuses(fc.tuple(payload, fc.constantFrom(...ENCODINGS)).map(([text, by]) => by(text)));
    const twice = fc.tuple(payload, fc.constantFrom(...ENCODINGS.slice(0, 3)), pick(...NESTINGS));
    refuses(twice.map(([text, by, into]) => into(by(text))));
  });

  it("however it is split", () => {
    const at = fc.integer({ min: 1, max: 8 });
    refuses(
      fc.tuple(payload, fc.constantFrom(...SPLITTINGS), at).map(([text, by, cut]) => by(text, cut)),
    );
  });

  it("in whichever of many files it is", () => {
    const files = fc.tuple(payload, fc.integer({ min: 1, max: 80 }));
    fc.assert(
      fc.property(files, ([text, count]) => {
        const read = (path: string): Uint8Array | null => {
          const at = path === "run.sh" ? 0 : Number(/^s(\d+)\.sh$/.exec(path)?.[1] ?? Number.NaN);
          if (Number.isNaN(at)) return null;
          return Buffer.from(at === count ? text : `#!/bin/bash\nbash s${at + 1}.sh\n`);
        };
        const reports = validateJob("run.sh", read);
        assert.ok(
          reports.some(({ verdict }) => verdict === "reject"),
          `${count} files, ${text}`,
        );
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  it("in one of many files that one script runs", () => {
    const files = fc.tuple(payload, fc.integer({ min: 1, max: 80 }));
    fc.assert(
      fc.property(files, ([text, count]) => {
        const names = Array.from({ length: count }, (_, at) => `s${at}.sh`);
        const all = new Map(names.map((name, at) => [name, at === count - 1 ? text : "echo ok"]));
        all.set("run.sh", names.map((name) => `bash ${name}`).join("\n"));
        const read = (path: string): Uint8Array | null =>
          all.has(path) ? Buffer.from(all.get(path) ?? "") : null;
        const reports = validateJob("run.sh", read);
        assert.ok(
          reports.some(({ verdict }) => verdict === "reject"),
          `${count} files, ${text}`,
        );
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
