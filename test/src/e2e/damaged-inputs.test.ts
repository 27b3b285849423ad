import assert from "node:assert/strict";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import type { Job } from "@jobctl/protocol";
import { execa } from "execa";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const MARK = "the bytes that are going to change";

describe("an input that is damaged while its job waits", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());

  /** A job that waits until `resume`; its archive has been read before. */
  const submitWaiting = async (content: string): Promise<Job> => {
    const directory = await cluster.makeJob({ "run.sh": "true\n", "data.txt": content });
    await cluster.ok(["submit", directory, "--wait"]);
    await cluster.ok(["agents", "drain", "agent-1"]);
    return cluster.job(Number(await cluster.ok(["submit", directory])));
  };
  const resume = (): Promise<string> => cluster.ok(["agents", "resume", "agent-1"]);
  const untilEnded = (id: number): Promise<void> =>
    waitUntil("it has ended", async () => (await cluster.job(id)).outcome !== null, 60_000);

  const eventsOf = async (id: number): Promise<{ type: string; repeats: number }[]> => {
    const { items } = JSON.parse(await cluster.ok(["events", String(id), "--json"])) as {
      items: { type: string; repeats: number }[];
    };
    return items;
  };

  for (const [where, find] of [
    ["in a file", (archive: Buffer) => archive.indexOf(MARK)],
    ["behind much that is right", (archive: Buffer) => archive.indexOf(MARK)],
    ["in the header of an entry", (archive: Buffer) => archive.indexOf("data.txt")],
  ] as const) {
    const filler = where.startsWith("behind") ? "right ".repeat(1_000_000) : "";

    it(`${where}, with its old time stamps, ends the job with a reason of its own`, async (t) => {
      shows(t, "damage-is-noticed", { what: "inputs damaged while their jobs wait", times: 1 });
      const { id, input } = await submitWaiting(`${where}\n${filler}${MARK}\n`);
      await flipByte(cluster.blobPath(input.sha256), find);
      await resume();
      await untilEnded(id);
      const { status, outcome } = await cluster.job(id);
      assert.deepEqual([status, outcome?.reason], ["failed", "input_damaged"]);
      assert.match(outcome?.message ?? "", /the stored file [0-9a-f]{64} has changed/);
      // One look is not enough.
      const notSent = (await eventsOf(id)).filter(({ type }) => type === "not_sent");
      assert.deepEqual(
        notSent.map(({ repeats }) => repeats),
        [1],
      );
      // Whoever submits it again sends it again.
      await cluster.submitScript("true\n", "--wait");
    });
  }

  it("and is missing then ends the job only after it has been looked for again", async () => {
    const { id, input } = await submitWaiting("missing\n");
    await rm(cluster.blobPath(input.sha256));
    await resume();
    await untilEnded(id);
    const { status, outcome } = await cluster.job(id);
    assert.deepEqual([status, outcome?.reason], ["failed", "input_damaged"]);
    assert.match(outcome?.message ?? "", /is missing/);
    const notSent = (await eventsOf(id)).filter(({ type }) => type === "not_sent");
    assert.deepEqual(
      notSent.map(({ repeats }) => repeats >= 4),
      [true],
    );
  });

  it("and is repaired before the second look runs", async () => {
    const { id, input } = await submitWaiting(`repaired\n${MARK}\n`);
    const blob = cluster.blobPath(input.sha256);
    const right = await readFile(blob);
    await flipByte(blob, (archive) => archive.indexOf(MARK));
    await resume();
    await waitUntil("it is seen", async () =>
      /has changed/.test(await cluster.ok(["events", String(id)])),
    );
    await writeFile(blob, right);
    await untilEnded(id);
    assert.equal((await cluster.job(id)).status, "completed");
  });

  it("and is back soon runs", async () => {
    const { id, input } = await submitWaiting("back\n");
    const blob = cluster.blobPath(input.sha256);
    await rename(blob, `${blob}.away`);
    await resume();
    await waitUntil("it is missed", async () =>
      /is missing/.test(await cluster.ok(["events", String(id)])),
    );
    await rename(`${blob}.away`, blob);
    await untilEnded(id);
    const { status, attempt } = await cluster.job(id);
    assert.deepEqual([status, attempt], ["completed", 1]);
  });
});

/** Changes a byte of a file where it is, and gives the file its old time stamps. */
async function flipByte(path: string, find: (content: Buffer) => number): Promise<void> {
  const copy = `${path}.times`;
  await execa("touch", ["-r", path, copy]);
  const content = await readFile(path);
  const at = find(content);
  assert.ok(at >= 0);
  const file = await open(path, "r+");
  await file.write(Buffer.from([(content[at] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
  await execa("touch", ["-r", copy, path]);
  await rm(copy);
}
