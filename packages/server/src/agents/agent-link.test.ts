import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { Logger } from "@jobctl/daemon";
import { JobctlError, type AgentLoad, type AgentSelf, type WatchMessage } from "@jobctl/protocol";

import type { AgentClient } from "./agent-client.js";
import { AgentLink, type LinkEvents } from "./agent-link.js";
import { CircuitBreaker } from "./circuit-breaker.js";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const NOTHING: LinkEvents = {
  onSnapshot: () => Promise.resolve(),
  onReady() {},
  onAttempt() {},
  onStatus() {},
  onUnreachable() {},
  onLost() {},
};

const SELF: AgentSelf = {
  ...{ name: "a", version: "1", slots: 4, cpus: 4, memoryBytes: 1, services: [] },
  ...{ sandbox: "process", capabilities: [] },
};

function loadOf(slotsUsed: number): AgentLoad {
  return {
    ...{ cpuPercent: 0, load1: 0, memoryUsedBytes: 0, memoryTotalBytes: 1 },
    ...{ slotsUsed, slotsTotal: 4, draining: false, sampledAt: new Date(0).toISOString() },
  };
}

function makeLink(events: Partial<LinkEvents>, logger: Logger = SILENT): AgentLink {
  const client = {
    url: "http://a:9000",
    provedName: SELF.name,
    async *watch(): AsyncGenerator<WatchMessage> {
      yield { type: "snapshot", agent: SELF, attempts: [], load: loadOf(0) };
    },
    close: () => Promise.resolve(),
  } as unknown as AgentClient;
  return new AgentLink(
    client,
    new CircuitBreaker({ failures: 5, openMs: 1000, successes: 1 }),
    { self: null, load: null, receivedAt: null },
    { origin: "configured", heartbeatSeconds: 1, deadSeconds: 60 },
    { ...NOTHING, ...events },
    logger,
  );
}

describe("the link to an agent", () => {
  it("has no name while the name is refused, so that it keeps it from nobody", async () => {
    const refused = new JobctlError("agent_unreachable", "another agent has this name");
    const link = makeLink({ onSnapshot: () => Promise.reject(refused) });
    link.start();
    try {
      await assert.rejects(link.untilTried(), refused);
      assert.equal(link.name, null);
    } finally {
      await link.stop();
    }
  });

  it("is tried less and less often, and logged once, while its connections are short", async () => {
    const lines: string[] = [];
    const note = ({ event }: { event: string }): unknown => lines.push(event);
    const began: number[] = [];
    const link = makeLink(
      { onReady: () => began.push(performance.now()) },
      { ...SILENT, info: note, warn: note },
    );
    link.start();
    try {
      while (began.length < 8) await delay(20);
    } finally {
      await link.stop();
    }
    const pauses = began.slice(1).map((at, n) => at - (began[n] ?? 0));
    // Half of 50 ms times two to the power of six at least.
    assert.ok((pauses.at(-1) ?? 0) >= 1500, pauses.join(" "));
    // Those of the first three connections.
    assert.equal(lines.filter((event) => event === "agent_ready").length, 3);
    assert.equal(lines.filter((event) => event === "agent_unreachable").length, 3);
  });

  it("counts refusals on while the agent takes attempts and cannot start them", () => {
    const link = makeLink({});
    const refused = new JobctlError("sandbox_unavailable", "no sandbox");
    const failStart = (): void => {
      link.noteAccepted();
      link.noteNotStarted();
      link.noteRefusal(1, refused);
    };
    failStart();
    failStart();
    assert.equal(link.refusals, 2);
    link.noteAccepted();
    assert.equal(link.problem, null);
    assert.equal(link.refusals, 2);
    link.noteStarted();
    assert.equal(link.refusals, 0);
    link.noteRefusal(1, refused);
    link.noteAccepted();
    assert.equal(link.refusals, 0);
  });

  it("tells that its pause is over when it is, and never a moment before", async () => {
    for (let n = 0; n < 200; n += 1) {
      const isFull = await new Promise<boolean>((resolve) => {
        const link = makeLink({ onStatus: () => resolve(link.full) });
        link.markFull(1 + (n % 4));
        assert.equal(link.full, true);
        // The timer of a link keeps no process alive.
        setTimeout(() => {}, 100);
      });
      assert.equal(isFull, false);
    }
  });
});
