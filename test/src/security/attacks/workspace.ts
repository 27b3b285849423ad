import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";

import { NO_LIMITS, unpackArchive } from "@jobctl/archive";
import type { Job } from "@jobctl/protocol";

import { fixture } from "../../support/fixture.js";
import type { PlacedCluster } from "../../support/sandbox-places.js";
import { shows } from "../../support/shows.js";
import { waitUntil } from "../../support/wait-until.js";

/** How long a job swaps names for links at random. */
const SWAP_SECONDS = Number(process.env["JOBCTL_SWAP_SECONDS"] ?? 10);

/** What a job can make of its own directory while somebody reads it. */
export function defineWorkspaceAttacks(place: () => PlacedCluster): void {
  it(
    "a job that swaps its files for links while they are read shows nothing from outside",
    { timeout: (SWAP_SECONDS + 120) * 1000 },
    async (t) => {
      shows(t, "reads-stay-in-workspace");
      const { cluster, agentUrl, tokenFile, dataPath, plantCanary } = place();
      const secret = `canary-${randomUUID()}`;
      const canary = await plantCanary(secret);
      const id = await submit(cluster, fixture("swapper"), {
        SECONDS_LONG: String(SWAP_SECONDS),
        TARGETS: [canary, tokenFile, "/proc/self/environ", `${dataPath}/canary`].join(":"),
      });
      await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
      const seen = { complete: 0, cut: 0, refused: 0 };
      const isSecret = (bytes: Buffer): boolean =>
        [secret, "test-agent-token", "JOBCTL_AGENT_"].some((text) => bytes.includes(text));
      const readWorkspace = async (): Promise<void> => {
        const answer = await cluster.request(`/v1/jobs/${id}/workspace`);
        const pieces: Buffer[] = [];
        try {
          for await (const piece of answer.body ?? []) pieces.push(Buffer.from(piece));
        } catch {
          seen.cut += 1;
        }
        const bytes = Buffer.concat(pieces);
        assert.ok(!isSecret(bytes), "something from outside is in the workspace");
        if (answer.status !== 200) {
          assert.match(bytes.toString(), /"jobctl.error\/v1"/);
          seen.refused += 1;
          return;
        }
        if (bytes.length === 0 || !bytes.subarray(-1024).equals(Buffer.alloc(1024))) return;
        await checkContents(cluster.root, bytes);
        seen.complete += 1;
      };
      const isRunning = async (): Promise<boolean> =>
        ((await (await cluster.request(`/v1/jobs/${id}`)).json()) as Job).status === "running";
      const reader = async (): Promise<void> => {
        while (await isRunning()) await readWorkspace();
      };
      const watcher = async (): Promise<void> => {
        while (await isRunning()) {
          const answer = await fetch(`${agentUrl}/health`);
          const { status, checks } = (await answer.json()) as Health;
          assert.equal(status, "ok", JSON.stringify(checks));
        }
      };
      await Promise.all([reader(), reader(), reader(), watcher()]);
      assert.ok(seen.complete > 0, JSON.stringify(seen));
      await cluster.ok(["wait", String(id)]);
      const out = join(cluster.root, `swapped-${id}`);
      await cluster.ok(["download", String(id), "-o", out]);
      assert.equal(await readFile(join(out, "steady.txt"), "utf8"), "mine\n");
      assert.ok(!isSecret(await wholeResult(cluster, id)));
      await nothingIsLeft(place());
    },
  );

  it("a job that swaps its files is cancelled like any other", async () => {
    const { cluster } = place();
    const id = await submit(cluster, fixture("swapper"), {
      SECONDS_LONG: "60",
      TARGETS: "/etc/passwd:/proc/self/environ",
    });
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const partial = cluster.jobctl(["download", String(id), "--partial", "-o", `partial-${id}`]);
    await cluster.ok(["cancel", String(id), "--wait"]);
    await partial;
    assert.equal((await cluster.job(id)).status, "cancelled");
    await nothingIsLeft(place());
  });

  it("a tree that paths cannot name keeps neither the result nor the logs from coming back", async (t) => {
    shows(t, "odd-trees-stop-nothing");
    const { cluster } = place();
    const id = await submit(cluster, fixture("odd-tree"), {});
    await cluster.jobctl(["wait", String(id)]);
    const { status, outcome } = await cluster.job(id);
    assert.deepEqual([status, outcome?.message ?? null], ["completed", null]);
    const out = join(cluster.root, `odd-${id}`);
    await cluster.ok(["download", String(id), "-o", out]);
    const names = await readdir(out);
    assert.equal(await readFile(join(out, "kept.txt"), "utf8"), "kept\n");
    assert.equal(await readFile(join(out, "caf\\xE9.txt"), "utf8"), "latin\n");
    assert.equal(await readFile(join(out, "shut/inner/file"), "utf8"), "shut\n");
    assert.equal(await readFile(join(out, ".jobctl/stdout.log"), "utf8"), "printed\n");
    for (const name of ["fifo", "link-to-latin", "x\\..\\y"])
      assert.ok(!names.includes(name), name);
    const report = JSON.parse(await readFile(join(out, ".jobctl/report.json"), "utf8"));
    const reasons = new Map(
      (report.skipped as { path: string; reason: string }[]).map((item) => [
        item.path,
        item.reason,
      ]),
    );
    assert.equal(reasons.get("fifo"), "not a file, directory or link");
    assert.equal(reasons.get("link-to-latin"), "a symlink to a name that is not UTF-8");
    assert.match([...reasons.values()].join("\n"), /its path is longer than 3072 bytes/);
    assert.equal(report.skippedTotal, report.skipped.length);
    assert.deepEqual(report.renamed, [
      { path: "caf\\xE9.txt", nameBytes: Buffer.from("caf\xe9.txt", "latin1").toString("base64") },
    ]);
    await nothingIsLeft(place());
  });

  it("an agent starts whatever tree a killed one has left", async (t) => {
    shows(t, "odd-trees-stop-nothing");
    const { cluster, restartAgent } = place();
    const id = await submit(cluster, fixture("odd-tree"), { SLEEP: "60" });
    await waitUntil("the tree is there", async () =>
      (await cluster.ok(["logs", String(id)])).includes("printed"),
    );
    await restartAgent();
    await waitUntil("it runs again", async () => {
      const { attempt, status } = await cluster.job(id);
      return attempt === 2 && status === "running";
    });
    await cluster.ok(["cancel", String(id), "--wait"]);
    await nothingIsLeft(place());
  });

  for (const hide of ["closed", "unlinked", "mapped", "undumpable", "unreadable"])
    it(`a workspace that is too large is seen in ${hide} files`, async (t) => {
      shows(t, "storage-is-not-hidden");
      const { cluster } = place();
      const id = await submit(cluster, fixture("hoarder"), { HIDE: hide }, "--time", "50s");
      await cluster.jobctl(["wait", String(id)]);
      const { status, outcome } = await cluster.job(id);
      assert.deepEqual([status, outcome?.reason], ["failed", "disk_full"]);
      await nothingIsLeft(place());
    });
}

interface Health {
  readonly status: string;
  readonly checks: Record<string, unknown>;
}

async function submit(
  cluster: PlacedCluster["cluster"],
  directory: string,
  env: Record<string, string>,
  ...more: string[]
): Promise<number> {
  const variables = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  return Number(await cluster.ok(["submit", directory, ...variables, ...more]));
}

/** Every file of an archive is one that the job has written, whole. */
async function checkContents(root: string, archive: Buffer): Promise<void> {
  const directory = await mkdtemp(join(root, "workspace-"));
  const source = (async function* () {
    yield archive;
  })();
  await unpackArchive(source, directory, { limits: NO_LIMITS });
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /^(run\.sh|swap\.pl)$/.test(entry.name)) continue;
    const content = await readFile(join(entry.parentPath, entry.name), "latin1");
    assert.match(content, /^(mine\n)*(m(i(ne?)?)?)?$/, entry.name);
  }
}

async function wholeResult(cluster: PlacedCluster["cluster"], id: number): Promise<Buffer> {
  const answer = await cluster.request(`/v1/jobs/${id}/result`);
  return Buffer.from(await answer.arrayBuffer());
}

/** No slot is in use, and the agent holds nothing of any attempt. */
async function nothingIsLeft({ agentUrl }: PlacedCluster): Promise<void> {
  await waitUntil("no slot is in use", async () => {
    const load = (await (await fetch(`${agentUrl}/load`)).json()) as { slotsUsed: number };
    return load.slotsUsed === 0;
  });
  const { checks } = (await (await fetch(`${agentUrl}/health`)).json()) as {
    checks: Record<string, { ok: boolean; message: string | null }>;
  };
  assert.equal(checks["trash"]?.ok, true, checks["trash"]?.message ?? "");
}
