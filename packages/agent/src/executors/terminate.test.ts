import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, it } from "node:test";

import { ProcessGroup } from "./job-processes.js";
import {
  identifyProcess,
  isSameProcess,
  listProcesses,
  parseProcess,
  signalProcess,
} from "./process-table.js";
import { terminate } from "./terminate.js";

describe("ending processes", () => {
  let child: ChildProcess;
  afterEach(() => child.kill("SIGKILL"));

  /** A process that ignores TERM. */
  const start = async (): Promise<number> => {
    const script =
      "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1e6)";
    child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    await once(child.stdout as NodeJS.ReadableStream, "data");
    return child.pid ?? 0;
  };
  const findChild = async (pid: number) => {
    const alive = (await listProcesses()).filter((info) => info.pid === pid);
    return { alive, told: alive };
  };

  it("goes on until nothing lives, although nobody can tell for a while what does", async () => {
    const pid = await start();
    const problems: string[] = [];
    let looks = 0;
    await terminate({
      find: async () => {
        looks += 1;
        if (looks <= 3) throw new Error("no descriptors are left");
        return findChild(pid);
      },
      graceMs: 0,
      onTrouble: ({ message }) => problems.push(message),
    });
    assert.deepEqual(problems, ["no descriptors are left"]);
    assert.deepEqual((await findChild(pid)).alive, []);
  });

  it("repeats KILL, and says once that something does not die of it", async () => {
    child = spawn("true");
    const problems: string[] = [];
    let looks = 0;
    await terminate({
      find: async () => {
        looks += 1;
        // No process has this start.
        const alive = looks > 25 ? [] : [{ pid: process.pid, startTicks: -2 }];
        return { alive, told: alive };
      },
      graceMs: 0,
      onTrouble: ({ message }) => problems.push(message),
    });
    assert.deepEqual(problems, [`processes ${process.pid} do not end, although they were killed`]);
  });

  it("does not signal a process that has the id of an earlier one", async () => {
    const pid = await start();
    const { startTicks } = identifyProcess(pid);
    signalProcess({ pid, startTicks: (startTicks ?? 0) - 1 }, "SIGKILL");
    assert.equal((await findChild(pid)).alive.length, 1);
    signalProcess({ pid, startTicks }, "SIGKILL");
    await once(child, "exit");
    assert.equal(child.signalCode, "SIGKILL");
    assert.ok(!isSameProcess({ pid, startTicks }, identifyProcess(pid)));
  });

  it("looks again before it believes that nothing lives", async () => {
    const pid = await start();
    let looks = 0;
    await terminate({
      find: async () => {
        looks += 1;
        return looks === 1 ? { alive: [], told: [] } : findChild(pid);
      },
      graceMs: 0,
      onTrouble: () => {},
    });
    assert.deepEqual((await findChild(pid)).alive, []);
  });

  it("looks as often as at first while the processes are others each time", async () => {
    child = spawn("true");
    let looks = 0;
    const startedMs = performance.now();
    await terminate({
      find: async () => {
        looks += 1;
        // No process has this start.
        const alive = looks > 60 ? [] : [{ pid: process.pid, startTicks: -looks - 1 }];
        return { alive, told: [] };
      },
      graceMs: 0,
      onTrouble: ({ message }) => assert.fail(message),
    });
    assert.ok(performance.now() - startedMs < 30_000);
  });

  it("takes a process for alive whose first thread has ended, and no other zombie", () => {
    child = spawn("true");
    const stat = (state: string, threads: number): string =>
      `7 (a b) ${state} 1 5 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 ${threads} 0 99 0`;
    assert.equal(parseProcess(7, stat("Z", 1)), null);
    assert.equal(parseProcess(7, stat("X", 2)), null);
    const { groupId, startTicks } = parseProcess(7, stat("Z", 2)) ?? {};
    assert.deepEqual([groupId, startTicks], [5, 99]);
  });

  it("takes a group for another one once nothing of it is left, or its leader's id is somebody else's", () => {
    child = spawn("true");
    const info = { parentPid: 1, cpuSeconds: 0, childrenCpuSeconds: 0 };
    const member = { ...info, pid: 11, groupId: 10, startTicks: 5 };
    let exists = true;
    const group = new ProcessGroup({ pid: 10, startTicks: 5 }, () => exists);
    assert.deepEqual(group.membersOf([member]), [member]);
    assert.deepEqual(group.membersOf([]), []);
    assert.deepEqual(group.membersOf([]), []);
    assert.deepEqual(group.membersOf([member]), [member]);
    exists = false;
    assert.deepEqual(group.membersOf([]), []);
    exists = true;
    assert.deepEqual(group.membersOf([member]), []);
    const taken = new ProcessGroup({ pid: 10, startTicks: 5 }, () => true);
    const stranger = { ...info, pid: 10, groupId: 10, startTicks: 7 };
    assert.deepEqual(taken.membersOf([stranger, member]), []);
  });
});
