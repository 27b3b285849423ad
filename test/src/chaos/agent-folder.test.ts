import assert from "node:assert/strict";
import { mkdir, readFile, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";

import { isTerminal, type Agent, type Health } from "@jobctl/protocol";
import { execa } from "execa";

import { Cluster } from "../support/cluster.js";
import { stopWithoutLeftovers } from "../support/leftovers.js";
import { unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { SmallVolume, canMount } from "../support/volumes.js";
import { waitUntil } from "../support/wait-until.js";

const MEBIBYTE = 1024 ** 2;
/** Long enough for a busy machine. */
const SOON_MS = 120_000;

/** How an agent loses its data folder, and how that comes back. */
interface Loss {
  readonly lose: () => Promise<unknown>;
  readonly restore: () => Promise<unknown>;
  /** What /ready says while it is lost. */
  readonly reason: RegExp;
}

describe(
  "an agent that loses its data folder while it runs",
  { skip: unless("mounting", canMount) },
  () => {
    let cluster: Cluster;
    let volume: SmallVolume | null = null;
    let isMountedTwice = false;
    afterEach(async () => {
      try {
        await stopWithoutLeftovers(cluster);
      } finally {
        if (isMountedTwice) await execa("umount", [join(volume?.root ?? "", "mounted")]);
        isMountedTwice = false;
        await volume?.remove();
        volume = null;
      }
    });

    const start = async (
      dataPath: (root: string) => string,
      prepare: () => Promise<void> = async () => {},
      settings: Record<string, string> = {},
    ): Promise<string> => {
      volume = await SmallVolume.mount(64 * MEBIBYTE);
      await prepare();
      const path = dataPath(volume.root);
      cluster = await Cluster.start({ agent: { JOBCTL_AGENT_DATA_PATH: path, ...settings } });
      return path;
    };
    /** Mounts the volume in a second place, from which it can be taken away. */
    const mountTwice = async (): Promise<void> => {
      const { root, path } = volume as SmallVolume;
      await mkdir(join(root, "mounted"), { recursive: true });
      await execa("mount", ["--bind", path, join(root, "mounted")]);
      isMountedTwice = true;
    };
    const ready = async (): Promise<{ status: number; body: Health }> => {
      const answer = await fetch(`${cluster.agents[0]?.url}/ready`);
      return { status: answer.status, body: (await answer.json()) as Health };
    };
    const waitForRun = (id: number): Promise<void> =>
      waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const waitForEnd = (id: number): Promise<void> =>
      waitUntil("it has ended", async () => isTerminal((await cluster.job(id)).status), SOON_MS);
    /** A job that goes on until the file is there. */
    const waiting = (go: string): string => `until [ -e ${go} ]; do sleep 0.05; done; echo done\n`;
    const events = async (event: string): Promise<number> =>
      (await readFile(join(cluster.root, "agent-1.log"), "utf8")).split(`"event":"${event}"`)
        .length - 1;

    /** Whoever asks the server is told, in each of the places where operators look. */
    const checkThatItShows = async (reason: RegExp): Promise<void> => {
      await waitUntil("the agent has this problem", async () => {
        const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"])) as {
          items: Agent[];
        };
        const [agent] = items;
        return (
          agent?.state === "draining" &&
          agent.problemCode === "agent_unusable" &&
          reason.test(agent.problem ?? "")
        );
      });
      const check = await cluster.jobctl(["agents", "list", "--check"]);
      assert.notEqual(check.exitCode, 0);
      assert.match(check.stderr, reason);
      const doctor = JSON.parse((await cluster.jobctl(["doctor", "--json"])).stdout) as {
        items: { check: string; status: string; message: string }[];
      };
      const found = doctor.items.find((item) => item.check === "agent agent-1");
      assert.equal(found?.status, "error");
      assert.match(found.message, reason);
      const figures = await (await cluster.request("/metrics")).text();
      assert.match(figures, /^jobctl_agent_usable\{agent="agent-1"\} 0$/m);
    };

    /** Loses the folder, ends a job meanwhile, submits another, brings the folder back. */
    const loseAndRestore = async ({ lose, restore, reason }: Loss): Promise<[number, number]> => {
      const go = join(cluster.root, "go");
      const running = await cluster.submitScript(waiting(go));
      await waitForRun(running);
      await lose();
      await waitUntil("it is not ready, and says why", async () => {
        const { status, body } = await ready();
        return status === 503 && reason.test(body.checks["dataFolder"]?.message ?? "");
      });
      const later = await cluster.submitScript("echo later\n");
      await checkThatItShows(reason);
      await waitUntil("the job says what it waits for", async () => {
        const { items } = JSON.parse(await cluster.ok(["queue", "--json"])) as {
          items: { id: number; reason: string }[];
        };
        return items.some((item) => item.id === later && item.reason === "agents_unusable");
      });
      await writeFile(go, "");
      await waitUntil("its results wait", async () => (await events("collect_waits")) > 0);
      assert.ok(!isTerminal((await cluster.job(running)).status));
      assert.equal((await cluster.job(later)).status, "queued");
      await restore();
      for (const id of [running, later]) await waitForEnd(id);
      assert.equal((await ready()).status, 200);
      // Once for each reason: between two renames it is not there, and then it is something else.
      const losses = await events("data_folder_unusable");
      assert.ok(losses >= 1 && losses <= 2, `${losses} losses`);
      assert.equal(await events("data_folder_usable"), 1);
      assert.equal(cluster.agents[0]?.child.exitCode, null);
      assert.equal((await cluster.job(later)).status, "completed");
      return [running, later];
    };

    it("to a file in its place, keeps what has ended until the folder is back", async (t) => {
      const path = await start((root) => join(root, "data"));
      const [running] = await loseAndRestore({
        lose: async () => {
          await rename(path, `${path}.away`);
          await writeFile(path, "");
        },
        restore: async () => {
          await rm(path);
          await rename(`${path}.away`, path);
        },
        reason: /not a directory/,
      });
      const { status, attempt } = await cluster.job(running);
      assert.deepEqual([status, attempt], ["completed", 1]);
      assert.equal(await cluster.ok(["logs", String(running)]), "done\n");
      shows(t, "machine-trouble-fails-no-job", {
        what: "ways in which an agent loses its data folder",
        times: 1,
      });
    });

    it("for too long, gives up what it had, and removes it when the folder is back", async (t) => {
      const path = await start((root) => join(root, "data"), undefined, {
        JOBCTL_AGENT_STORAGE_DEAD_SECONDS: "1",
      });
      const go = join(cluster.root, "go");
      const id = await cluster.submitScript(waiting(go));
      await waitForRun(id);
      await rename(path, `${path}.away`);
      await writeFile(path, "");
      await writeFile(go, "");
      await waitUntil("it is to be run again", async () => {
        const { status, attempts } = await cluster.job(id);
        return status === "queued" && attempts[0]?.endedAs === "lost";
      });
      await rm(path);
      await rename(`${path}.away`, path);
      await waitForEnd(id);
      const { status, attempt } = await cluster.job(id);
      assert.deepEqual([status, attempt], ["completed", 2]);
      shows(t, "machine-trouble-fails-no-job", {
        what: "ways in which an agent loses its data folder",
        times: 1,
      });
    });

    it("because its volume is gone, waits for it and writes nothing in its place", async (t) => {
      const path = await start((root) => join(root, "mounted"), mountTwice);
      const [running] = await loseAndRestore({
        lose: () => execa("umount", ["--lazy", path]),
        restore: async () => {
          assert.deepEqual(await readdir(path), []);
          await mountTwice();
        },
        reason: /its volume is not mounted/,
      });
      const { status, attempt } = await cluster.job(running);
      assert.deepEqual([status, attempt], ["completed", 1]);
      shows(t, "machine-trouble-fails-no-job", {
        what: "ways in which an agent loses its data folder",
        times: 1,
      });
    });

    it("to a removal, runs what ran again in an empty one, and stays enrolled", async (t) => {
      const path = await start((root) => join(root, "data"));
      const identity = await readFile(join(path, "identity.json"), "utf8");
      const [running] = await loseAndRestore({
        lose: async () => {
          await rename(path, `${path}.gone`);
          await rm(`${path}.gone`, { recursive: true });
        },
        restore: () => mkdir(path),
        reason: /is not there/,
      });
      const { status, attempts } = await cluster.job(running);
      assert.equal(status, "completed");
      assert.deepEqual(
        attempts.map(({ endedAs }) => endedAs),
        ["lost", "collected"],
      );
      const history = await cluster.ok(["events", String(running)]);
      assert.match(history, /agent agent-1 has lost its files/);
      assert.doesNotMatch(history, /went down/);
      assert.equal(await readFile(join(path, "identity.json"), "utf8"), identity);
      shows(t, "machine-trouble-fails-no-job", {
        what: "ways in which an agent loses its data folder",
        times: 1,
      });
    });

    it("to a volume that is read-only, refuses work until it can be written", async (t) => {
      await start((root) => join(root, "volume/data"));
      const mountPoint = volume?.path ?? "";
      await cluster.submitScript("true\n", "--wait");
      await waitUntil("nothing is written there", async () => {
        const { failed } = await execa("mount", ["-o", "remount,ro", mountPoint], {
          reject: false,
        });
        return !failed;
      });
      await waitUntil("it is not ready, and says why", async () => {
        const { status, body } = await ready();
        return status === 503 && /EROFS/.test(body.checks["dataFolder"]?.message ?? "");
      });
      const id = await cluster.submitScript("echo done\n");
      assert.equal((await cluster.job(id)).status, "queued");
      await execa("mount", ["-o", "remount,rw", mountPoint]);
      await waitForEnd(id);
      const { status, attempt } = await cluster.job(id);
      assert.equal(status, "completed");
      assert.ok(attempt <= 2, `${attempt} attempts`);
      shows(t, "machine-trouble-fails-no-job", {
        what: "ways in which an agent loses its data folder",
        times: 1,
      });
    });
  },
);

/** What may happen to a result that waits to be fetched. */
const LOSSES: Readonly<Record<string, (directory: string) => Promise<void>>> = {
  "its directory": (directory) => rm(directory, { recursive: true }),
  "its result": (directory) => rm(join(directory, "result.tar")),
  "the content of its result": (directory) => truncate(join(directory, "result.tar"), 0),
  "the end of its result": (directory) => truncate(join(directory, "result.tar"), 1000),
};

describe("an attempt that has finished", () => {
  let cluster: Cluster;
  afterEach(() => stopWithoutLeftovers(cluster));

  for (const [what, lose] of Object.entries(LOSSES))
    it(`and lost ${what} is run again when its result is asked for`, async () => {
      cluster = await Cluster.start();
      const go = join(cluster.root, "go");
      const id = await cluster.submitScript(`until [ -e ${go} ]; do sleep 0.05; done; echo done\n`);
      await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
      await cluster.server.end("SIGKILL");
      await writeFile(go, "");
      const directory = join(cluster.root, `agent-1/attempts/${id}.1`);
      await waitUntil("it has ended on the agent", async () => {
        const record = await readFile(join(directory, "record.json"), "utf8");
        return JSON.parse(record).report.state === "finished";
      });
      await lose(directory);
      await cluster.startServer();
      await cluster.ok(["wait", String(id), "--timeout", "30s"]);
      const { status, attempts } = await cluster.job(id);
      assert.equal(status, "completed");
      assert.deepEqual(
        attempts.map(({ endedAs }) => endedAs),
        ["lost", "collected"],
      );
      const events = await cluster.ok(["events", String(id)]);
      assert.match(events, /agent agent-1 has lost what it had kept of attempt \d+\.1/);
    });
});
