import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { Agent, Job } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import {
  MaliciousAgent,
  finishedReport,
  load,
  refusal,
  writeForever,
  type Lie,
  type Stage,
} from "../support/malicious-agent.js";
import { shows } from "../support/shows.js";
import { tarArchive, type TarEntry } from "../support/tar-bytes.js";
import { waitUntil } from "../support/wait-until.js";

/** The first job of the cluster, which an honest agent runs all the while. */
const HONEST = { foreignId: "1.1", foreignName: "agent-1" } as const;
/** An agent that was enrolled and is gone: its name is bound to its key. */
const GONE = "agent-2";
/** Jobs that liars end as they like get these names. */
const SERVICES = Array.from({ length: 60 }, (_, n) => `liar-${n}`);
const ESCAPE = "\u001b]0;owned\u0007";
const LAST_YEAR = "9999-12-31T23:59:59.999Z";
const line = (message: unknown): string => `${JSON.stringify(message)}\n`;
const HEARTBEAT = line({ type: "heartbeat", at: "2026-01-02T03:04:05.678Z" });
/** For what takes several attempts with pauses between them. */
const LONG_MS = 120_000;
/** What the server reads of one agent's messages, as packages/server/src/agents/agent-client.ts has it. */
const MESSAGES_PER_SECOND = 500;
const MESSAGE_BURST = 15_000;
/** What the buffers of both ends hold on top, by Linux's usual tcp_wmem and tcp_rmem. */
const SOCKET_BUFFERS_BYTES = 16 * 1024 ** 2;
const SPACES = Buffer.alloc(64 * 1024, " ");

/** Lies because of which an agent is not taken in; the message says why. */
const REFUSED: Readonly<Record<string, { lie: Lie; message: RegExp }>> = {
  "takes the name of an agent that is connected": {
    lie: { hello: (_, { foreignName }) => ({ name: foreignName }) },
    message: /another agent is already connected under the name agent-1/,
  },
  "takes the name of an agent that is away": {
    lie: { hello: () => ({ name: GONE }) },
    message: /the name agent-2 (is bound to the key|belongs to the agent at http)/,
  },
  "shows a key and does not prove it": {
    lie: { hello: () => ({ signature: "A".repeat(86) }) },
    message: /does not prove that it has the key/,
  },
  "does not know the enrolment secret": {
    lie: { proof: () => ({ macs: [randomBytes(32).toString("base64url")] }) },
    message: /does not prove that it knows the enrolment secret/,
  },
  "offers more proofs than there may be": {
    lie: { proof: () => ({ macs: Array.from({ length: 9 }, () => "A".repeat(43)) }) },
    message: /its part of the handshake is wrong: macs/,
  },
  "sends half a key": {
    lie: { hello: () => ({ key: "AAAA" }) },
    message: /its part of the handshake is wrong: key/,
  },
  "wants a session key that everybody knows": {
    lie: { hello: () => ({ ephemeral: "A".repeat(43) }) },
    message: /a key that no secret can be made with/,
  },
  "has escape sequences in its name": {
    lie: { hello: () => ({ name: ESCAPE }) },
    message: /its part of the handshake is wrong: name/,
  },
  "proves one name and calls itself another": {
    lie: {
      snapshot: (honest, { foreignName }) => ({
        ...honest,
        agent: { ...(honest["agent"] as object), name: foreignName },
      }),
    },
    message: /proved the name liar-\d+ and calls itself agent-1/,
  },
  "begins with a line that never ends": {
    lie: { snapshot: () => "{", stream: (response) => writeForever(response, () => SPACES) },
    message: /a line has more than 8388608 bytes/,
  },
  "holds 10,001 attempts": {
    lie: {
      snapshot: (honest) => ({
        ...honest,
        attempts: Array.from({ length: 10_001 }, (_, n) =>
          finishedReport(`${n + 2}.1`, Buffer.alloc(1)),
        ),
      }),
    },
    message: /attempts: Too big/,
  },
  "sends no JSON": {
    lie: { snapshot: () => "not JSON\n" },
    message: /it is not JSON/,
  },
  "begins without a snapshot": {
    lie: { snapshot: () => HEARTBEAT },
    message: /one snapshot, and begins with it/,
  },
  "has a negative amount of memory": {
    lie: {
      snapshot: (honest) => ({
        ...honest,
        agent: { ...(honest["agent"] as object), memoryBytes: -1 },
      }),
    },
    message: /memoryBytes/,
  },
  "has more slots than there are atoms": {
    lie: {
      snapshot: (honest) => ({
        ...honest,
        agent: { ...(honest["agent"] as object), slots: 1e300 },
      }),
    },
    message: /slots/,
  },
  "is loaded by a number that is none": {
    lie: { snapshot: (honest) => ({ ...honest, load: { ...load(), cpuPercent: "much" } }) },
    message: /cpuPercent/,
  },
  "holds an attempt whose id overflows": {
    lie: {
      snapshot: (honest) => ({
        ...honest,
        attempts: [finishedReport(`${"9".repeat(500)}.1`, Buffer.alloc(1))],
      }),
    },
    message: /attempts\.0\.id/,
  },
  "answers everything with 500": {
    lie: { anything: (_, response) => void response.writeHead(500).end("no") },
    message: /was answered with 500/,
  },
  "answers with an error that never ends": {
    lie: {
      anything: (_, response) => {
        response.writeHead(500, { "content-type": "application/json" });
        writeForever(response, () => SPACES);
      },
    },
    message: /was answered with 500/,
  },
  "answers with headers that never end": {
    lie: {
      anything: (_, response) => {
        const socket = response.socket as Socket;
        const write = (): void => {
          for (let more = true; more && !socket.destroyed;)
            more = socket.write("x-lie: and another one\r\n");
        };
        socket.write("HTTP/1.1 200 OK\r\n");
        socket.on("drain", write);
        socket.on("error", () => {});
        write();
      },
    },
    message: /cannot be reached: .*[Hh]eader/,
  },
  "answers one byte a second": {
    lie: {
      anything: (_, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const trickle = setInterval(() => response.write(" "), 1000);
        response.once("close", () => clearInterval(trickle));
      },
    },
    message: /not complete after 5000 ms/,
  },
  "does not answer": { lie: { anything: () => {} }, message: /no answer within 5 s/ },
};

describe("a malicious agent", () => {
  let cluster: Cluster;
  let honestJob: Promise<unknown>;
  let rssBefore: number;
  const release = (): string => join(cluster.root, "release");
  const answers = { count: 0, failed: 0, slowestMs: 0 };
  const over = new AbortController();
  let watching: Promise<void>;
  let liars = 0;

  before(async () => {
    cluster = await Cluster.start({
      agents: 2,
      server: {
        JOBCTL_SERVICES: ["default", ...SERVICES].join(","),
        JOBCTL_AGENT_TIMEOUT_SECONDS: "5",
        JOBCTL_AGENT_POLL_SECONDS: "5",
        JOBCTL_AGENT_DEAD_SECONDS: "10",
      },
    });
    await waitUntil("both agents are ready", async () => {
      return (await agents()).every(({ state }) => state === "ready");
    });
    await cluster.agents[1]?.end("SIGTERM");
    const script = `until [ -e ${release()} ]; do sleep 0.1; done; echo honest > result.txt\n`;
    assert.equal(await cluster.submitScript(script), 1);
    await waitUntil("it runs", async () => (await cluster.job(1)).status === "running");
    assert.equal((await cluster.job(1)).agent, HONEST.foreignName);
    honestJob = cluster.jobctl(["wait", "1", "--timeout", "600"]);
    rssBefore = await serverMemory();
    watching = watch();
  });
  after(async () => {
    over.abort();
    await watching;
    await cluster.stop();
  });

  /** A client that goes on asking. */
  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      for (const path of ["/health", "/v1/jobs/1"]) {
        const beganMs = performance.now();
        const ok = await cluster.request(path).then(
          async (answer) => {
            await answer.arrayBuffer();
            return answer.ok;
          },
          () => false,
        );
        answers.count += 1;
        answers.failed += ok ? 0 : 1;
        answers.slowestMs = Math.max(answers.slowestMs, performance.now() - beganMs);
      }
      await delay(50);
    }
  }

  const agents = async (): Promise<Agent[]> =>
    ((await (await cluster.request("/v1/agents")).json()) as { items: Agent[] }).items;
  const job = async (id: number): Promise<Job> =>
    (await (await cluster.request(`/v1/jobs/${id}`)).json()) as Job;
  const serverMemory = async (): Promise<number> => {
    const status = await readFile(`/proc/${cluster.server.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  };

  async function withLiar(
    lie: Lie,
    work: (liar: MaliciousAgent) => Promise<void>,
    stage: Stage = HONEST,
  ): Promise<void> {
    const liar = await MaliciousAgent.start(SERVICES[liars++] ?? "", lie, stage);
    try {
      await work(liar);
      await assertOthersGoOn();
    } finally {
      await liar.stop();
    }
  }

  /** The honest job has not been touched, and others run. */
  async function assertOthersGoOn(): Promise<void> {
    const { status, attempt, result } = await job(1);
    assert.deepEqual({ status, attempt, result }, { status: "running", attempt: 1, result: null });
    await cluster.submitScript("true\n", "--wait");
  }

  const untilHealthWasSeen = async (times: number): Promise<void> => {
    const until = answers.count + times;
    await waitUntil("other clients have been answered", () => answers.count >= until);
  };
  const untilProblem = (liar: MaliciousAgent, problem: RegExp): Promise<void> =>
    waitUntil(`the problem of ${liar.name} is ${problem}`, async () => {
      const shown = (await agents()).find(({ url }) => url === liar.url);
      return problem.test(shown?.problem ?? "");
    });
  const untilLost = (id: number): Promise<void> =>
    waitUntil("its job is lost", async () => (await job(id)).status === "lost", LONG_MS);
  const submitTo = async (liar: MaliciousAgent): Promise<number> => {
    await cluster.ok(["agents", "add", liar.url]);
    return cluster.submitScript("true\n", "--service", liar.name, "--no-requeue");
  };

  describe("is met by a server that works for others", { concurrency: 6 }, () => {
    for (const [name, { lie, message }] of Object.entries(REFUSED)) {
      it(`that ${name} is refused`, () =>
        withLiar(lie, async (liar) => {
          const { exitCode, stderr } = await cluster.jobctl(["agents", "add", liar.url]);
          assert.match(stderr, message);
          assert.equal(exitCode, 108);
          assert.ok(!stderr.includes("\u001b"));
          assert.ok((await agents()).every(({ url }) => url !== liar.url));
        }));
    }

    it("that redirects the server leads it nowhere, and learns no token", async () => {
      let reached = 0;
      const elsewhere = createServer((_request, response) => {
        reached += 1;
        response.end();
      }).listen(0, "127.0.0.1");
      await once(elsewhere, "listening");
      const { port } = elsewhere.address() as AddressInfo;
      const location = `http://127.0.0.1:${port}/v1/session`;
      const anything: Lie["anything"] = (_, response) =>
        void response.writeHead(307, { location }).end();
      try {
        await withLiar({ anything }, async (liar) => {
          const { exitCode, stderr } = await cluster.jobctl(["agents", "add", liar.url]);
          assert.match(stderr, /answered with 307/);
          assert.equal(exitCode, 108);
          assert.deepEqual([...liar.tokens], []);
        });
        assert.equal(reached, 0);
      } finally {
        elsewhere.close();
      }
    });

    it("that always says the same nonce gets a new session each time", () =>
      withLiar({ fixedNonce: true }, async (liar) => {
        await cluster.ok(["agents", "add", liar.url]);
        liar.cut();
        await waitUntil("it has been connected to again", () => liar.count("GET /v1/watch") >= 2);
        assert.equal(liar.tokens.size, 2);
      }));

    it("that repeats an earlier proof is refused", () =>
      withLiar({}, async (liar) => {
        await cluster.ok(["agents", "add", liar.url]);
        liar.lie = { replay: true };
        await cluster.ok(["agents", "forget-key", liar.name]);
        await untilProblem(liar, /does not prove that it knows the enrolment secret/);
      }));

    it("that reports a forged end of another agent's job changes nothing", (t) => {
      shows(t, "lying-agent-changes-nothing");
      const result = Buffer.from("forged");
      const lie: Lie = {
        snapshot: (honest, { foreignId }) => ({
          ...honest,
          attempts: [finishedReport(foreignId, result)],
        }),
        stream: (response, { foreignId }) => {
          const attempt = finishedReport(foreignId, result);
          response.write(line({ type: "attempt", attempt }));
          response.write(
            line({ type: "attempt", attempt: { ...attempt, state: "interrupted", outcome: null } }),
          );
        },
      };
      return withLiar(lie, async (liar) => {
        await cluster.ok(["agents", "add", liar.url]);
        await waitUntil("it is told to forget it", () => liar.count("DELETE /v1/attempts/:id") > 0);
        await untilHealthWasSeen(10);
        assert.equal(liar.count("GET /v1/attempts/:id/result"), 0);
      });
    });

    for (const [name, message] of [
      ["messages", HEARTBEAT],
      ["long messages", `${" ".repeat(8 * 1024)}${HEARTBEAT}`],
      ["loads", line({ type: "load", load: load() })],
    ] as const) {
      it(`that sends ${name} without end is read slowly`, () => {
        let socket: Socket | null = null;
        let beganMs = 0;
        const stream = (response: ServerResponse): void => {
          ({ socket } = response);
          beganMs = performance.now();
          writeForever(response, () => message.repeat(1000));
        };
        return withLiar({ stream }, async (liar) => {
          await cluster.ok(["agents", "add", liar.url]);
          await untilHealthWasSeen(60);
          const seconds = (performance.now() - beganMs) / 1000;
          const accepted = (socket?.bytesWritten ?? Infinity) / message.length;
          const most =
            MESSAGE_BURST + MESSAGES_PER_SECOND * seconds + SOCKET_BUFFERS_BYTES / message.length;
          assert.ok(accepted <= most, `${accepted} messages in ${seconds} s`);
        });
      });
    }

    it("that holds attempts that nobody knows is told to delete them, a few at a time", () => {
      let next = 1000;
      let atOnce = 0;
      let most = 0;
      const lie: Lie = {
        stream: (response) =>
          writeForever(response, () =>
            line({ type: "attempt", attempt: finishedReport(`${(next += 1)}.1`, Buffer.alloc(1)) }),
          ),
        answer: (request, response) => {
          if (request.method !== "DELETE") return false;
          atOnce += 1;
          most = Math.max(most, atOnce);
          setTimeout(() => {
            atOnce -= 1;
            response.writeHead(204).end();
          }, 20);
          return true;
        },
      };
      return withLiar(lie, async (liar) => {
        await cluster.ok(["agents", "add", liar.url]);
        await waitUntil("some are deleted", () => liar.count("DELETE /v1/attempts/:id") >= 100);
        await untilHealthWasSeen(20);
        assert.ok(most <= 4, `${most} at once`);
      });
    });

    const cut: Readonly<Record<string, { stream: NonNullable<Lie["stream"]>; problem: RegExp }>> = {
      "sends a line that never ends": {
        stream: (response) => writeForever(response, () => SPACES),
        problem: /a line has more than 262144 bytes/,
      },
      "sends a second snapshot": {
        stream: (response) =>
          void response.write(
            line({
              type: "snapshot",
              agent: {
                ...{ name: "other", version: "1", slots: 1, cpus: 1, memoryBytes: 1 },
                ...{ services: [], sandbox: "", capabilities: [] },
              },
              attempts: [],
              load: load(),
            }),
          ),
        problem: /one snapshot, and begins with it/,
      },
      "closes half of its connection": {
        stream: (response) => void response.socket?.end(),
        problem: /cannot be reached: other side closed/,
      },
      "falls silent in the middle of a line": {
        stream: (response) => {
          const trickle = setInterval(() => response.write(" "), 1000);
          response.once("close", () => clearInterval(trickle));
        },
        problem: /sent no message for 12.5 s/,
      },
      "says what nobody understands": {
        stream: (response) => void response.write(line({ type: "please", run: "this" })),
        problem: /sent what is not allowed/,
      },
    };
    for (const [name, { stream, problem }] of Object.entries(cut)) {
      it(`that ${name} is cut, and operators see why`, () =>
        withLiar({ stream }, async (liar) => {
          liar.lie = {};
          await cluster.ok(["agents", "add", liar.url]);
          const watches = liar.count("GET /v1/watch");
          liar.lie = { stream };
          liar.cut();
          await untilProblem(liar, problem);
          // The connection with the lie has ended, and another one has begun.
          await waitUntil(
            "it is connected to again",
            () => liar.count("GET /v1/watch") >= watches + 2,
          );
        }));
    }

    const lost: Readonly<Record<string, Lie>> = {
      "longer than announced": {
        result: (response, bytes) => void response.end(Buffer.concat([bytes, Buffer.from("more")])),
      },
      "without end": {
        result: (response) => writeForever(response, () => SPACES),
      },
      "shorter than announced": {
        result: (response, bytes) => void response.end(bytes.subarray(1000)),
      },
      "with another content": {
        result: (response, bytes) => void response.end(randomBytes(bytes.length)),
      },
      "with a length that it does not have": {
        result: (response, bytes) => {
          response.writeHead(200, { "content-length": bytes.length - 1 });
          response.end(bytes.subarray(1));
        },
      },
    };
    for (const [name, lie] of Object.entries(lost)) {
      it(`that sends a result ${name} loses its job, and no other`, () =>
        withLiar(lie, async (liar) => {
          const id = await submitTo(liar);
          await untilLost(id);
          assert.equal((await job(id)).result, null);
          assert.match((await job(id)).outcome?.message ?? "", /wrong result 5 times/);
        }));
    }

    const stalled: Readonly<Record<string, Lie>> = {
      "one byte a second": {
        result: (response) => {
          const trickle = setInterval(() => response.write("x"), 1000);
          response.once("close", () => clearInterval(trickle));
        },
      },
      "that stops half-way": {
        result: (response, bytes) => void response.write(bytes.subarray(0, 1000)),
      },
      "as large as no disk": {
        report: (honest) => ({
          result: { ...(honest["result"] as object), sizeBytes: 2 ** 50 },
        }),
        result: (response) => writeForever(response, () => SPACES),
      },
      "of which it says 500": {
        answer: (request, response) => {
          if (!(request.url ?? "").endsWith("/result")) return false;
          response.writeHead(500).end("no");
          return true;
        },
      },
      "that it denies": {
        answer: (request, response) => {
          if (!(request.url ?? "").endsWith("/result")) return false;
          response
            .writeHead(404, { "content-type": "application/json" })
            .end(JSON.stringify(refusal("job_not_found", ESCAPE.repeat(1000))));
          return true;
        },
      },
    };
    for (const [name, lie] of Object.entries(stalled)) {
      it(`that sends a result ${name} keeps nobody waiting, and leaves nothing when it is gone`, () =>
        withLiar(lie, async (liar) => {
          const id = await submitTo(liar);
          await waitUntil("it is collected", async () => (await job(id)).status === "collecting");
          await untilHealthWasSeen(20);
          await liar.stop();
          await untilLost(id);
        }));
    }

    it("that ends its job in the year 9999, with escape sequences, ends it now and in plain text", () => {
      const lie: Lie = {
        report: () => ({
          ...{ startedAt: LAST_YEAR, finishedAt: LAST_YEAR },
          outcome: { reason: "exited", exitCode: 1, signal: ESCAPE, message: ESCAPE },
        }),
      };
      return withLiar(lie, async (liar) => {
        const id = await submitTo(liar);
        await waitUntil("it has ended", async () => (await job(id)).status === "failed");
        const { submittedAt, startedAt, finishedAt, outcome } = await job(id);
        const times = [submittedAt, startedAt ?? "", finishedAt ?? "", new Date().toISOString()];
        assert.deepEqual(times, times.toSorted());
        assert.ok(!JSON.stringify(outcome).includes("\\u001b"));
        assert.ok(!(await cluster.jobctl(["status", String(id)])).stdout.includes(ESCAPE));
      });
    });

    const traps: Readonly<Record<string, TarEntry>> = {
      "a link to itself": { path: "self", type: "Link", linkpath: "self" },
      "a file outside": { path: "../outside", content: "x" },
      "a file with an absolute path": { path: "/absolute", content: "x" },
      "a device": { path: "device", type: "CharacterDevice" },
    };
    for (const [name, trap] of Object.entries(traps)) {
      it(`that sends a result with ${name} ends its job without it`, () =>
        withLiar({}, async (liar) => {
          liar.resultBytes = tarArchive([trap]);
          const id = await submitTo(liar);
          await waitUntil("it is over", async () => (await job(id)).finishedAt !== null, LONG_MS);
          const { result, outcome } = await job(id);
          assert.equal(result, null);
          assert.match(outcome?.message ?? "", /was not stored/);
        }));
    }

    it("that answers with a load that never ends is left out", () => {
      const lie: Lie = {
        answer: (request, response) => {
          if (request.url !== "/load") return false;
          writeForever(response, () => SPACES);
          return true;
        },
      };
      return withLiar(lie, async (liar) => {
        await cluster.ok(["agents", "add", liar.url]);
        const answer = await cluster.request("/v1/agents/load?live=1");
        const { items } = (await answer.json()) as { items: { name: string; stale: boolean }[] };
        assert.equal(items.find(({ name }) => name === liar.name)?.stale, true);
        assert.equal(items.find(({ name }) => name === HONEST.foreignName)?.stale, false);
      });
    });
  });

  it("has changed nothing, and leaves nothing behind", async (t) => {
    await writeFile(release(), "");
    await honestJob;
    const { status, attempt, result, agent } = await job(1);
    assert.deepEqual([status, attempt, agent], ["completed", 1, HONEST.foreignName]);
    assert.ok(result !== null);
    assert.equal(answers.failed, 0);
    assert.ok(answers.count > 100);
    assert.ok(answers.slowestMs < 3000, `the slowest answer took ${answers.slowestMs} ms`);
    await waitUntil(
      "no temporary file is left",
      async () => (await cluster.temporaryFiles()).length === 0,
      LONG_MS,
    );
    const grownBytes = (await serverMemory()) - rssBefore;
    assert.ok(grownBytes < 300 * 1024 ** 2, `the server has grown by ${grownBytes} bytes`);
    const log = await stat(join(cluster.root, "server.log"));
    assert.ok(log.size < 8 * 1024 ** 2, `the log has ${log.size} bytes`);
    const what = "agents that lie, each in its own way, beside a job of an honest one";
    shows(t, "lying-agent-changes-nothing", { what, times: liars });
  });
});
