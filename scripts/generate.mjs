// Writes what is made from the source, and is checked in: docs/openapi.json, docs/schema.sql,
// docs/errors.md, docs/validation.md, compose/seccomp-agent.json and the alerts as a Kubernetes object. With
// --check it only compares, and fails when something is out of date.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ERRORS, EXIT } from "@jobctl/protocol";
import { createServer, readConfig } from "@jobctl/server";
import { DEFAULT_POLICY, FAMILIES, RULES, validate } from "@jobctl/validator";
import Database from "better-sqlite3";

import { ALLOWED_CALLS } from "../packages/agent/dist/executors/seccomp/allowed-system-calls.js";
import { attackSamples, doubtfulSamples } from "../packages/validator/dist/samples.test-support.js";

const VALIDATION_INTRODUCTION = `# Validation of run.sh

Before an agent runs a script it checks it, and \`jobctl submit\` does the same before anything is sent.
\`jobctl validate DIR\` checks without submitting, with \`--format sarif\` for editors and code scanning.

**It is a sanity check, not a sandbox.** It keeps plainly dangerous scripts from running, however they
are spelled, and explains itself. Compiled programs, files of other languages and containers that a
script starts are opaque to it, and whoever wants to get around it can. What holds a job back is the
[sandbox](sandbox.md).

It reads a script as bash does, on a syntax tree: words in comments, in quoted prose, in file names and in
here-documents that go nowhere are not commands; \`c''url\`, \`command curl\`, \`bash -c 'curl ...'\`, a variable
that holds \`curl\` and a decoded pipe into a shell are.

An \`error\` blocks, a \`warning\` is recorded with the job, an \`info\` is only shown. The operator decides for
each service: \`SERVICE_<NAME>_PROFILE=strict\` blocks warnings too, \`permissive\` blocks only what is
destructive, escapes, gains privileges, changes the kernel, mines or multiplies without end;
\`SERVICE_<NAME>_RULES=NET-REMOTE=warning,PRIV-CHOWN=off\` changes single rules;
\`SERVICE_<NAME>_NETWORK=true\` makes fetching a warning, and \`SERVICE_<NAME>_ALLOW_HOSTS=data.example.org\`
drops it for these hosts; \`SERVICE_<NAME>_ALLOW_COMMANDS=socat\` drops what is found about a command,
except what destroys, escapes or gains rights.

A script can explain a warning: a line \`# jobctl: allow DEL-UNSET -- set by the site\` makes it an \`info\` that
carries the reason, except under \`strict\`. A script cannot lower an error.

Every script is looked at whole: verdict and counts are of all findings, of which at most 100 are shown, errors first.
What has more of anything than an honest script has (steps of work, scripts that run each other, commands of one
pipe, values of one command's name, findings) is rejected as \`BUDGET\`, and the message says which limit it is. The
limits count, they do not measure time: a slow machine accepts what a fast one does. Only a check that takes more
than 20 seconds or 192 MB is ended, and rejected.

## Rules of a site

A site adds rules of its own: \`JOBCTL_VALIDATOR_RULES\` names a file with a JSON list. Agents read it when they start,
and refuse to start with a list that has mistakes; they are all in the message. It is the agents that decide. Set
the same variable where people call \`jobctl\`, say on login nodes, and \`jobctl submit\` and \`jobctl validate\` find the
same before anything is sent; \`jobctl validate --list-rules\` shows all rules, with \`--json\` for programs.

\`\`\`json
[
  { "command": "rclone", "severity": "warning", "why": "copies to a place that nobody backs up" },
  {
    "id": "HOUSE-NODE",
    "command": ["qsub", "sbatch"],
    "options": ["--exclusive", "-x"],
    "severity": "error",
    "why": "takes a whole node",
    "fix": "Ask for cores."
  }
]
\`\`\`

\`command\` is a name or a list of names, \`mkfs*\` for all that begin so. With \`options\`, one of them has to be given.
\`why\` completes "rclone ...", \`fix\` says what to do instead. Without an \`id\` a rule is called \`SITE-1\` and so on, by its
place in the list. \`SERVICE_<NAME>_RULES\` changes their severity as that of all others.

This page is made from the rules by \`npm run generate\`.
`;

const silent = { debug() {}, info() {}, warn() {}, error() {} };

const directory = await mkdtemp(join(tmpdir(), "jobctl-generate-"));
const documents = new Map();
try {
  const config = readConfig({
    JOBCTL_DATA_PATH: directory,
    JOBCTL_ADMIN_TOKEN: "unused",
    JOBCTL_AGENT_TOKEN: "unused",
  });
  const server = createServer(config, silent);
  await server.http.ready();
  documents.set("docs/openapi.json", `${JSON.stringify(server.http.swagger(), null, 2)}\n`);
  for (const step of server.shutdown) await step.run("SIGTERM");
  documents.set("docs/schema.sql", dumpSchema(config.dbPath));
  documents.set("docs/errors.md", listErrors());
  documents.set("docs/validation.md", await listRules());
} finally {
  await rm(directory, { recursive: true });
}

const root = new URL("..", import.meta.url).pathname;
documents.set("kubernetes/monitoring/prometheus-rule.yaml", await alertsAsObject());
documents.set("compose/seccomp-agent.json", `${formatted(seccompProfile())}\n`);
const outdated = [];
for (const [path, content] of documents) {
  const current = await readFile(join(root, path), "utf8").catch(() => null);
  if (current === content) continue;
  outdated.push(path);
  if (!process.argv.includes("--check")) await writeFile(join(root, path), content);
}
if (process.argv.includes("--check") && outdated.length > 0) {
  process.stderr.write(`out of date: ${outdated.join(", ")}; run npm run generate\n`);
  process.exitCode = 1;
}

/**
 * The profile for agents in containers: what jobs may do, and what bubblewrap needs to make their sandboxes.
 * It has no rules for arguments but one: jobs have a filter of their own.
 */
function seccompProfile() {
  const allow = (comment, names, more = {}) => ({
    comment,
    names: [...names],
    action: "SCMP_ACT_ALLOW",
    ...more,
  });
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    archMap: [
      {
        architecture: "SCMP_ARCH_X86_64",
        subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
      },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    ],
    syscalls: [
      ...ALLOWED_CALLS.map(({ comment, names }) => allow(comment, names)),
      allow("what a job's own filter looks at more closely", [
        "ioctl",
        "personality",
        "socketcall",
        "socketpair",
      ]),
      allow(
        "sockets of every family but AF_VSOCK (40), which no network namespace holds back",
        ["socket"],
        { args: [{ index: 0, value: 40, op: "SCMP_CMP_NE" }] },
      ),
      allow(
        "processes and threads; the sandbox: namespaces of its own (clone with CLONE_NEWUSER and others)",
        ["clone"],
      ),
      {
        comment:
          "its flags lie in memory, where no filter sees them: the C library uses clone instead",
        names: ["clone3"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 38,
      },
      allow(
        "the sandbox: bubblewrap makes namespaces, mounts what a job sees in its own, and names the host",
        ["mount", "pivot_root", "sethostname", "umount2", "unshare"],
      ),
    ],
  };
}

/** As the formatter writes it: short lists on one line. */
function formatted(value) {
  const text = JSON.stringify(value, null, 2);
  return text.replace(/\[\s+("[^\]]*?")\s+\]/g, (list, items) => {
    const line = `[${items.replace(/\s*\n\s*/g, " ")}]`;
    return line.length <= 80 ? line : list;
  });
}

/** The alerts of compose/, for the Prometheus operator. */
async function alertsAsObject() {
  const rules = await readFile(join(root, "compose/prometheus/rules.yml"), "utf8");
  const groups = rules.slice(rules.indexOf("groups:")).trimEnd();
  return `# Made from compose/prometheus/rules.yml by npm run generate.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: jobctl
  labels: { app.kubernetes.io/name: jobctl-server }
spec:
${groups.replaceAll(/^(?=.)/gm, "  ")}
`;
}

function dumpSchema(path) {
  const db = new Database(path, { readonly: true });
  const statements = db
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name",
    )
    .pluck()
    .all();
  const version = db.pragma("user_version", { simple: true });
  db.close();
  return `-- The database as migration ${version} leaves it. Made by npm run generate.\n\n${statements.join(";\n\n")};\n`;
}

function listErrors() {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, exitCode, meaning }]) =>
      `| \`${code}\` | ${status} | ${exitCode} | ${meaning} |`,
  );
  return [
    "# Errors",
    "",
    "Every error has a code that scripts may rely on. The server sends it in the body of the answer",
    '(`{"schema":"jobctl.error/v1","error":{"code","message","hint","details"}}`) with the HTTP status;',
    "the command line prints the same with `--json`, and ends with the exit code. Made by `npm run generate`.",
    "",
    `Without an error, \`jobctl backup\` ends with ${EXIT.backupIncomplete} when the backup is complete but for files that are damaged on the server, and \`jobctl restore\` when the restored data are complete but for files that are damaged, or lacking, in the backup.`,
    "",
    "| code | HTTP | exit | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** The rules, each with the shortest sample that breaks it. */
async function listRules() {
  const scripts = [...attackSamples().values(), ...doubtfulSamples().values()]
    .flat()
    .toSorted((a, b) => a.length - b.length);
  const examples = new Map();
  for (const script of scripts) {
    for (const { rule } of validate(Buffer.from(script), "run.sh", DEFAULT_POLICY).diagnostics) {
      if (!examples.has(rule)) examples.set(rule, script);
    }
  }
  const block = (script) => ["```sh", script.trimEnd(), "```", ""];
  const describe = ({ id, severity, why, fix, needsNetwork, strictOnly, examples: own }) => {
    const example = own.dangerous[0] ?? examples.get(id);
    const honest = own.honest[0];
    const networked = severity === "error" ? "a warning" : "an info";
    const lighter = needsNetwork === true ? `; ${networked} where the service has the network` : "";
    const level = strictOnly === true ? "error under strict, not shown elsewhere" : severity;
    return [
      `### ${id}`,
      "",
      `${level}${lighter}. The script, or a command in it, ${why}. ${fix}`,
      "",
      ...(example === undefined ? [] : block(example)),
      ...(honest === undefined ? [] : ["This is let through:", "", ...block(honest)]),
    ];
  };
  const families = FAMILIES.filter((name) => RULES.some(({ family }) => family === name));
  const sections = families.flatMap((family) => [
    `## ${family}`,
    "",
    ...RULES.filter((rule) => rule.family === family).flatMap(describe),
  ]);
  return [VALIDATION_INTRODUCTION, ...sections].join("\n");
}
