import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { AgentLink } from "./agent-link.js";
import { AgentRegistry } from "./agent-registry.js";

const HERE = "http://here:9000";
const ELSEWHERE = "http://elsewhere:9000";

describe("the name of an agent", () => {
  const check = (link: Pick<AgentLink, "origin" | "state" | "problem">): void => {
    const registry = new AgentRegistry(
      1000,
      () => null,
      () => 0,
      () => null,
      () => 0,
    );
    registry.add({ name: "a", url: HERE, ...link } as AgentLink);
    registry.checkName("a", HERE);
    registry.checkName("b", ELSEWHERE);
    registry.checkName("a", ELSEWHERE);
  };
  const problem = "ECONNREFUSED";

  const kept: Parameters<typeof check>[0][] = [
    { origin: "configured", state: "ready", problem: null },
    { origin: "configured", state: "connecting", problem },
    { origin: "configured", state: "unreachable", problem },
    { origin: "added", state: "unreachable", problem },
    { origin: "resolved", state: "ready", problem: null },
    { origin: "resolved", state: "connecting", problem: null },
  ];
  for (const link of kept)
    it(`stays at its address: ${Object.values(link).join(", ")}`, () => {
      assert.throws(() => check(link), { code: "agent_unreachable", message: /the name a/ });
    });

  const free: Parameters<typeof check>[0][] = [
    { origin: "configured", state: "lost", problem },
    { origin: "added", state: "lost", problem },
    { origin: "resolved", state: "connecting", problem },
    { origin: "resolved", state: "unreachable", problem },
    { origin: "resolved", state: "lost", problem },
  ];
  for (const link of free)
    it(`can be elsewhere: ${Object.values(link).join(", ")}`, () => check(link));
});
