// Loads every unit test into this one process: starting one for each file would take far longer
// than the tests do. Run it with node's own test reporter flags.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const packages = new URL("../packages/", import.meta.url).pathname;
for (const name of (await readdir(packages)).toSorted()) {
  const compiled = join(packages, name, "dist");
  for (const file of (await readdir(compiled, { recursive: true })).toSorted()) {
    if (file.endsWith(".test.js")) await import(pathToFileURL(join(compiled, file)).href);
  }
}
