// Writes what is made from the source, and is checked in: docs/openapi.json, docs/schema.sql and
// docs/errors.md. With --check it only compares, and fails when something is out of date.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ERRORS } from "@jobctl/protocol";
import { createServer, readConfig } from "@jobctl/server";
import Database from "better-sqlite3";

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
} finally {
  await rm(directory, { recursive: true });
}

const root = new URL("..", import.meta.url).pathname;
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
    "| code | HTTP | exit | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
