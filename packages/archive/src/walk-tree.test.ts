import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import fc from "fast-check";

import { Directory } from "./directory.js";
import { fileNameText } from "./file-name.js";
import { walkTree, type WalkTreeOptions } from "./walk-tree.js";

describe("a walk of a tree", () => {
  let top: string;
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), "jobctl-walk-"));
  });
  afterEach(() => execFileSync("rm", ["-rf", top]));

  const walked = async (options: WalkTreeOptions = {}): Promise<string[]> => {
    const root = Directory.open(top);
    const paths: string[] = [];
    try {
      for await (const entry of walkTree(root, options)) {
        assert.equal(entry.pathBytes, Buffer.byteLength(entry.path()));
        paths.push(entry.path());
      }
    } finally {
      root.close();
    }
    return paths;
  };

  it("has parents before children, and names in byte order", async () => {
    await mkdir(join(top, "b/c"), { recursive: true });
    for (const path of ["b/c/x", "b/a", "a", "B", "ü"]) await writeFile(join(top, path), "");
    await symlink("/", join(top, "link"));
    assert.deepEqual(await walked(), ["B", "a", "b", "b/a", "b/c", "b/c/x", "link", "ü"]);
  });

  it("leaves out what is not kept, with everything in it", async () => {
    await mkdir(join(top, "no/deeper"), { recursive: true });
    await mkdir(join(top, "yes"));
    const paths = await walked({ keep: ({ name }) => name.toString() !== "no" });
    assert.deepEqual(paths, ["yes"]);
  });

  it("goes 3,000 levels down with few descriptors, and leaves none open", async () => {
    makeDeep(top, 3000);
    await writeFile(join(top, "z"), "");
    const before = await openDescriptors();
    const root = Directory.open(top);
    let count = 0;
    let most = 0;
    let last = "";
    for await (const entry of walkTree(root)) {
      count += 1;
      last = entry.name.toString();
      if (count % 100 === 0) most = Math.max(most, await openDescriptors());
    }
    root.close();
    assert.deepEqual([count, last], [3001, "z"]);
    assert.ok(most - before < 80, `${most} descriptors`);
    assert.equal(await openDescriptors(), before);
  });

  it("tells of a directory that is swapped for a link, and does not enter it", async () => {
    await mkdir(join(top, "a"));
    await mkdir(join(top, "outside"));
    await writeFile(join(top, "outside/secret"), "");
    const root = Directory.open(join(top));
    const problems: string[] = [];
    const paths: string[] = [];
    const entries = walkTree(root, { onProblem: (path) => problems.push(path()) });
    for await (const entry of entries) {
      paths.push(entry.path());
      if (entry.path() !== "a") continue;
      await rename(join(top, "a"), join(top, "old"));
      await symlink("outside", join(top, "a"));
    }
    root.close();
    assert.deepEqual(problems, ["a"]);
    assert.deepEqual(paths, ["a", "outside", "outside/secret"]);
  });

  it("goes on beside a deep directory that is moved away while it is in it", async () => {
    makeDeep(top, 200);
    await writeFile(join(top, "z"), "");
    const middle = join(top, ...Array.from({ length: 60 }, () => "d"));
    const root = Directory.open(top);
    let count = 0;
    const names = new Set<string>();
    for await (const { name } of walkTree(root, { onProblem: () => {} })) {
      count += 1;
      names.add(name.toString());
      if (count === 150) await rename(middle, join(top, "moved"));
    }
    root.close();
    assert.ok(names.has("z"));
  });

  it("gives up what is moved away below it, however deep it is", { timeout: 60_000 }, async () => {
    makeDeep(top, 3000);
    await writeFile(join(top, "z"), "");
    const root = Directory.open(top);
    const middle = join(top, ...Array.from({ length: 60 }, () => "d"));
    const problems: string[] = [];
    let count = 0;
    let last = "";
    for await (const { name } of walkTree(root, { onProblem: (path) => problems.push(path()) })) {
      count += 1;
      last = name.toString();
      if (count !== 3000) continue;
      // The way back leads elsewhere now, and the way by name to another tree of the same names.
      await rename(middle, join(top, "moved"));
      await rename(join(top, "d"), join(top, "old"));
      makeDeep(top, 3000);
    }
    root.close();
    assert.equal(last, "z");
    assert.ok(problems.length <= 2, `${problems.length} problems`);
  });

  it("enters directories that their owner has closed, and closes them again", async () => {
    await mkdir(join(top, "closed/inner"), { recursive: true });
    execFileSync("chmod", ["000", join(top, "closed/inner"), join(top, "closed")]);
    const access = { directoryBits: 0o500, restore: true };
    assert.deepEqual(await walked({ access }), ["closed", "closed/inner"]);
    assert.equal(modeOf(join(top, "closed")), "0");
    assert.deepEqual(await walked({ access: { ...access, restore: false } }), [
      "closed",
      "closed/inner",
    ]);
    assert.equal(modeOf(join(top, "closed")), "500");
  });

  it("stops at a number of names, and says of which directory", async () => {
    await mkdir(join(top, "many"));
    for (let n = 0; n < 20; n += 1) await writeFile(join(top, "many", String(n)), "");
    const problems: string[] = [];
    await walked({
      maxNames: 10,
      onProblem: (path, error) => problems.push(`${path()}: ${error}`),
    });
    assert.deepEqual(problems, ["many: Error: it has more than 10 entries"]);
  });

  it("finds names that are not UTF-8", async () => {
    await writeFile(Buffer.concat([Buffer.from(`${top}/caf`), Buffer.from([0xe9])]), "");
    assert.deepEqual(await walked(), ["caf\\xE9"]);
    assert.equal((await readdir(top)).length, 1);
  });
});

describe("the text of a file name", () => {
  it("is the name where that is UTF-8, and never the same for two others", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (name) => {
        assert.equal(fileNameText(Buffer.from(name)), name);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 12 }), (a, b) => {
        const [first, second] = [Buffer.from(a), Buffer.from(b)];
        if (first.equals(second) || first.includes(0x5c) || second.includes(0x5c)) return;
        assert.notEqual(fileNameText(first), fileNameText(second));
      }),
    );
  });
});

/** Directories named `d`, one in the other, deeper than a path can say. */
function makeDeep(directory: string, levels: number): void {
  const script =
    "for (let n = 0; n < +process.argv[1]; n += 1) { fs.mkdirSync('d'); process.chdir('d'); }";
  execFileSync(process.execPath, ["-e", script, String(levels)], { cwd: directory });
}

async function openDescriptors(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

function modeOf(path: string): string {
  return execFileSync("stat", ["-c", "%a", path]).toString().trim();
}
