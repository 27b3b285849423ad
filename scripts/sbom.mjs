// Prints what users of the npm packages get, with versions, licences and digests, as SPDX: an SBOM. Packages that are
// for development only are left out of a copy of the lock file first: npm's own option for that also leaves out what
// both need.
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const copy = await mkdtemp(join(tmpdir(), "jobctl-sbom-"));

async function copyManifest(path, changes = {}) {
  const { devDependencies: _, ...manifest } = JSON.parse(
    await readFile(join(root, path, "package.json"), "utf8"),
  );
  await mkdir(join(copy, path), { recursive: true });
  const text = JSON.stringify({ ...manifest, ...changes });
  await writeFile(join(copy, path, "package.json"), text);
}

const npm = (...args) =>
  execFileSync("npm", [...args, "--package-lock-only"], {
    cwd: copy,
    maxBuffer: 64 * 1024 ** 2,
    stdio: ["ignore", "pipe", "inherit"],
  });

try {
  await copyManifest(".", { workspaces: ["packages/*"] });
  for (const name of await readdir(join(root, "packages"))) await copyManifest(`packages/${name}`);
  await copyFile(join(root, "package-lock.json"), join(copy, "package-lock.json"));
  npm("install", "--silent", "--offline", "--ignore-scripts", "--no-audit", "--no-fund");
  process.stdout.write(npm("sbom", "--silent", "--sbom-format", "spdx"));
} finally {
  await rm(copy, { recursive: true });
}
