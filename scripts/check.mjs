// Everything that can be said about the source without running it. Prints each check with its time;
// ends with the first that fails.
import { spawnSync } from "node:child_process";

const CHECKS = [
  ["format", "oxfmt", ["--check", "."]],
  ["list of the rules", process.execPath, ["scripts/list-rules.mjs", "--check"]],
  ["types", "tsc", ["-b"]],
  ["lint and import rules", "oxlint", ["--deny-warnings"]],
  ["dead code", "knip", []],
  ["dependencies", process.execPath, ["scripts/dependencies.mjs", "--check"]],
  ["generated documents", process.execPath, ["scripts/generate.mjs", "--check"]],
];

for (const [name, command, args] of CHECKS) {
  const startedMs = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? "ok  " : "FAIL"}  ${name} (${seconds} s)\n`);
  if (status === 0) continue;
  process.stdout.write(`${stdout}${stderr}`);
  process.exit(1);
}
