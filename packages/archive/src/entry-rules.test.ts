import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, it } from "node:test";

import { JobctlError } from "@jobctl/protocol";
import fc from "fast-check";

import { EntryRules } from "./entry-rules.js";
import type { RawEntry } from "./entry.js";
import { MAX_PATH_BYTES, NO_LIMITS } from "./limits.js";

const file = (path: string): RawEntry => ({
  path,
  type: "File",
  size: 0,
  mode: 0o644,
  linkpath: undefined,
});

describe("the rules for entries", () => {
  it("accept whatever spelling of a path below the top, normalised", () => {
    for (const path of ["a/b", "./a/b", "a//b", "a/./b", "a/b/"]) {
      assert.equal(new EntryRules(NO_LIMITS).check(file(path))?.path, "a/b");
    }
  });

  it("find run.sh at the top, or in the only folder at the top", () => {
    assert.equal(rootOf(["run.sh", "a/x"]), "");
    assert.equal(rootOf(["job/run.sh", "job/a/x"]), "job");
    assert.equal(rootOf(["./run.sh"]), "");
    assert.throws(() => rootOf(["job/run.sh", "other/x"]), { code: "run_script_missing" });
    assert.throws(() => rootOf(["job/run.sh", "readme"]), { code: "run_script_missing" });
    assert.throws(() => rootOf(["a/b/run.sh"]), { code: "run_script_missing" });
  });

  it("find a run.sh that is the second name of a file", () => {
    const rules = new EntryRules(NO_LIMITS);
    rules.check(file("job/a"));
    rules.check({ ...file("job/run.sh"), type: "Link", linkpath: "job/a" });
    assert.equal(rules.finish().root, "job");
  });

  it("refuse a path that is longer than the system's limit leaves room for", () => {
    const path = (bytes: number): string => `${"a/".repeat(1600).slice(0, bytes - 1)}b`;
    assert.ok(new EntryRules(NO_LIMITS).check(file(path(MAX_PATH_BYTES - 1))));
    for (const raw of [
      file(`${path(MAX_PATH_BYTES)}bb`),
      file(`${"ü/".repeat(1100)}f`),
      { ...file("l"), type: "SymbolicLink", linkpath: `${path(MAX_PATH_BYTES)}bb` },
    ])
      assert.throws(() => new EntryRules(NO_LIMITS).check(raw), {
        code: "archive_unsafe_entry",
        message: /path of more than 3072 bytes/,
      });
  });

  it("never let a path or a link leave the tree, whatever it is made of", () => {
    const segment = fc.constantFrom("a", "b", "..", ".", "", "c d", "ü", "\\..", "-");
    const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/"));
    const entry = fc.record({
      path,
      type: fc.constantFrom("File", "Directory", "SymbolicLink", "Link"),
      size: fc.constant(0),
      mode: fc.constant(0o644),
      linkpath: fc.option(path, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
        const tree = new Map<string, string>();
        const rules = new EntryRules(NO_LIMITS);
        for (const raw of entries) {
          const accepted = unlessRefused(() => rules.check(raw));
          if (accepted == null) continue;
          assert.ok(staysInside(accepted.path), accepted.path);
          // Where it lands if every link on the way is followed, as the kernel would.
          assert.ok(landsInside(posix.dirname(accepted.path), tree), accepted.path);
          if (accepted.type === "symlink") {
            tree.set(accepted.path, accepted.linkTarget ?? "");
            assert.ok(
              landsInside(accepted.path, tree),
              `${accepted.path} -> ${accepted.linkTarget}`,
            );
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});

function rootOf(paths: string[]): string {
  const rules = new EntryRules(NO_LIMITS);
  for (const path of paths) rules.check(file(path));
  return rules.finish().root;
}

function unlessRefused<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof JobctlError) return null;
    throw error;
  }
}

function staysInside(path: string): boolean {
  const normal = posix.normalize(path);
  return !normal.startsWith("/") && normal !== ".." && !normal.startsWith("../");
}

/** Resolves a path segment by segment, following links; false as soon as it is above the top. */
function landsInside(path: string, links: ReadonlyMap<string, string>): boolean {
  const todo = path.split("/");
  const at: string[] = [];
  for (let steps = 0; todo.length > 0 && steps < 1000; steps += 1) {
    const segment = todo.shift();
    if (segment === undefined || segment === "" || segment === ".") continue;
    if (segment === "..") {
      if (at.pop() === undefined) return false;
      continue;
    }
    at.push(segment);
    const target = links.get(at.join("/"));
    if (target === undefined) continue;
    at.pop();
    todo.unshift(...target.split("/"));
  }
  return true;
}
