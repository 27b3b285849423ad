/**
 * How many submits a second a server takes, each with an archive of its own, over eight connections; and how
 * many while a backup is taken. `npm run bench:submits`
 */
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Cluster } from "../support/cluster.js";
import { SubmitLoad } from "../support/direct-submits.js";

const SECONDS = 10;

const cluster = await Cluster.start({ agents: 0 });
const agent = new Agent({ keepAlive: true });
try {
  const load = new SubmitLoad(cluster, { loops: 8, agent });
  const rate = async (work: () => Promise<unknown>): Promise<string> => {
    const before = load.acknowledged.length;
    const began = performance.now();
    await work();
    const seconds = (performance.now() - began) / 1000;
    const submits = load.acknowledged.length - before;
    return `${Math.round(submits / seconds)} submits a second for ${seconds.toFixed(1)} s`;
  };
  const alone = await rate(() => delay(SECONDS * 1000));
  const backedUp = await rate(() => cluster.ok(["backup", join(cluster.root, "backup")]));
  await load.stop();
  process.stdout.write(`8 connections: ${alone}\nwhile a backup is taken: ${backedUp}\n`);
} finally {
  agent.destroy();
  await cluster.stop();
}
