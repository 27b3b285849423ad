import assert from "node:assert/strict";
import { chmod, chown, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { Output } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { DaemonProcess } from "../support/daemon-process.js";
import { unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { UNPRIVILEGED_ID, unprivilegedLaunch } from "../support/unprivileged-launch.js";
import { SmallVolume, canMount } from "../support/volumes.js";

type Restored = Extract<Output, { schema: "jobctl.restore/v1" }>;

const MEBIBYTE = 1024 ** 2;

describe("a backup is restored", { skip: unless("mounting", canMount) }, () => {
  let cluster: Cluster;
  let latest: string;
  let volume: SmallVolume;
  let id: number;
  before(async () => {
    cluster = await Cluster.start();
    id = await cluster.submitScript("echo kept > result.txt\n", "--wait");
    await cluster.ok(["backup", "backup"]);
    latest = join(cluster.root, "backup/latest");
    volume = await SmallVolume.mount(64 * MEBIBYTE);
    await chown(volume.path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    await chmod(volume.path, 0o700);
  });
  after(async () => {
    await volume.remove();
    await cluster.stop();
  });

  const restore = async (...args: string[]): Promise<Restored> =>
    JSON.parse(await cluster.ok(["restore", latest, "--json", "--data", ...args])) as Restored;
  /** What in a tree is not the user's. */
  const foreignIn = async (path: string): Promise<string[]> => {
    const names = ["", ...(await readdir(path, { recursive: true }))];
    const found = await Promise.all(names.map((name) => stat(join(path, name))));
    return names.filter(
      (_, at) => found[at]?.uid !== UNPRIVILEGED_ID || found[at]?.gid !== UNPRIVILEGED_ID,
    );
  };
  const startOn = (dataPath: string): Promise<DaemonProcess> =>
    DaemonProcess.start(
      "server",
      {
        JOBCTL_DATA_PATH: dataPath,
        JOBCTL_ADMIN_TOKEN_FILE: join(cluster.root, "admin.token"),
        JOBCTL_PORT: "0",
        JOBCTL_MIN_FREE_BYTES: "0",
      },
      join(cluster.root, "other.log"),
      unprivilegedLaunch(cluster.root, []),
    );

  it("into a mounted volume, for the user to whom that belongs, who can start a server on it", async (t) => {
    shows(t, "backups-are-whole");
    const { setAside } = await restore(`${volume.path}/`);
    assert.equal(setAside, null);
    const names = ["blobs", "installation.json", "jobctl.db"];
    assert.deepEqual((await readdir(volume.path)).toSorted(), names);
    assert.deepEqual(await foreignIn(volume.path), []);
    assert.equal((await stat(volume.path)).mode & 0o777, 0o700);
    await chmod(cluster.root, 0o755);
    await chmod(join(cluster.root, "admin.token"), 0o644);
    await chmod(volume.root, 0o755);
    const server = await startOn(volume.path);
    try {
      const answer = await fetch(`${server.url}/v1/jobs/${id}/files/result.txt`, {
        headers: cluster.authorization,
      });
      assert.equal(await answer.text(), "kept\n");
    } finally {
      await server.end("SIGTERM");
    }
  });

  it("and a file that was put back as root's is told as that, not as damaged", async () => {
    const server = await startOn(volume.path);
    const env = { JOBCTL_SERVER: server.url };
    const { result } = await cluster.job(id);
    const digest = result?.sha256 ?? "";
    const path = join(volume.path, "blobs/sha256", digest.slice(0, 2), digest);
    const says = new RegExp(`${digest}:? cannot be read: permission denied`);
    try {
      await chown(path, 0, 0);
      const download = await cluster.jobctl(["download", String(id), "-o", "out"], { env });
      assert.equal(download.exitCode, 1);
      assert.match(download.stderr, says);
      for (const call of [["gc", "--verify"], ["doctor"]]) {
        const { exitCode, stdout, stderr } = await cluster.jobctl(call, { env });
        assert.equal(exitCode, 1, stderr);
        assert.match(stdout, says);
        assert.doesNotMatch(stdout, new RegExp(`${digest} is damaged`));
      }
      assert.equal((await cluster.jobctl(["backup", "unreadable"], { env })).exitCode, 110);
      await chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
      await chown(join(path, ".."), 0, 0);
      const locked = await cluster.jobctl(["gc", "--verify"], { env });
      assert.equal(locked.exitCode, 1, locked.stderr);
      assert.match(locked.stdout, says);
      await chown(join(path, ".."), UNPRIVILEGED_ID, UNPRIVILEGED_ID);
      assert.equal((await cluster.jobctl(["gc", "--verify"], { env })).exitCode, 0);
    } finally {
      await server.end("SIGTERM");
    }
  });

  it("over what is in the volume, which is set aside in it", async () => {
    const note = join(volume.path, "note.txt");
    await writeFile(note, "mine");
    await chown(note, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    const { stderr } = await cluster.jobctl(["restore", latest, "--data", volume.path]);
    assert.match(stderr, /is not empty/);
    const { setAside } = await restore(volume.path, "--force", "--yes");
    assert.match(setAside ?? "", new RegExp(`^${volume.path}/before-[0-9]+$`));
    assert.equal(await readFile(join(setAside ?? "", "note.txt"), "utf8"), "mine");
    assert.ok((await readdir(setAside ?? "")).includes("jobctl.db"));
    const names = (await readdir(volume.path)).filter((name) => !name.startsWith("before-"));
    assert.deepEqual(names.toSorted(), ["blobs", "installation.json", "jobctl.db"]);
    assert.deepEqual(await foreignIn(volume.path), []);
  });

  it("into a directory as its owner's, also where an old one is set aside", async () => {
    const data = join(cluster.root, "owned");
    await mkdir(data);
    await chown(data, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    await restore(data);
    assert.deepEqual(await foreignIn(data), []);
    const { setAside } = await restore(data, "--force", "--yes");
    assert.match(setAside ?? "", new RegExp(`^${data}\\.before-[0-9]+$`));
    assert.deepEqual(await foreignIn(data), []);
  });

  it("for a server that says to whom a folder belongs that it cannot use", async () => {
    const data = join(cluster.root, "of-root");
    await mkdir(data, { mode: 0o700 });
    await chmod(cluster.root, 0o755);
    await assert.rejects(startOn(data), /belongs to root, and the server runs as user 64242/);
    await chown(data, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    await restore(data, "--take-over");
    await chown(join(data, "jobctl.db"), 0, 0);
    await assert.rejects(startOn(data), /jobctl.db belongs to root, and the server runs as/);
    await chown(join(data, "jobctl.db"), UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    await chown(join(data, "blobs/sha256"), 0, 0);
    await assert.rejects(startOn(data), /blobs\/sha256 belongs to root, and the server runs as/);
  });
});
