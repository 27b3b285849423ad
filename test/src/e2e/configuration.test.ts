import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import * as agent from "@jobctl/agent";
import * as server from "@jobctl/server";
import { shows } from "../support/shows.js";

const TOKENS = { JOBCTL_ADMIN_TOKEN: "a", JOBCTL_AGENT_TOKEN: "b" };

/** The variables that a section of docs/configuration.md lists, with what it says of their defaults. */
function documented(section: string): Map<string, string> {
  const text = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  const part = text.split(/^## /m).find((candidate) => candidate.startsWith(section)) ?? "";
  const found = new Map<string, string>();
  for (const line of part.split("\n")) {
    const [, names = "", byDefault = ""] = line.split("|");
    for (const [, name = ""] of names.matchAll(/`((?:JOBCTL|SERVICE|SENTRY)_[A-Z0-9_<>]+)`/g))
      found.set(name, byDefault.trim());
  }
  return found;
}

const DAEMONS = [
  { section: "Server", names: server.SETTING_NAMES, read: server.readConfig },
  { section: "Agent", names: agent.SETTING_NAMES, read: agent.readConfig },
] as const;

describe("the environment", () => {
  for (const { section, names, read } of DAEMONS) {
    const listed = documented(section);

    it(`of the ${section.toLowerCase()} is documented, name by name, and nothing else is`, () => {
      const ofServices = [...listed.keys()].filter((name) => name.startsWith("SERVICE_"));
      const secrets = [...listed.keys()].filter((name) => name.endsWith("_FILE"));
      assert.deepEqual(
        [...listed.keys()].toSorted(),
        [...names, ...ofServices, ...secrets].toSorted(),
      );
    });

    it(`of the ${section.toLowerCase()} has a default for all but the secrets`, () => {
      assert.ok(read(TOKENS));
      for (const [name, byDefault] of listed)
        if (byDefault === "required") assert.match(name, /_TOKEN_FILE$/);
      assert.throws(() => read({}), /TOKEN_FILE is not set/);
    });

    it(`of the ${section.toLowerCase()} is checked, and all problems are in one message`, (t) => {
      shows(t, "settings-are-checked");
      const numbers = names.filter((name) =>
        /(SECONDS|BYTES|ENTRIES|PORT|SLOTS|CPUS|FILES)$/.test(name),
      );
      assert.ok(numbers.length > 5);
      const wrong = Object.fromEntries(numbers.map((name) => [name, "many"]));
      assert.throws(
        () => read({ ...wrong, JOBCTL_LOG_LEVEL: "loud", JOBCTL_LOG_FORMAT: "xml" }),
        (error: Error) => {
          for (const name of [...numbers, "JOBCTL_LOG_LEVEL", "JOBCTL_LOG_FORMAT", "TOKEN_FILE"])
            assert.ok(error.message.includes(name), `${name} in: ${error.message}`);
          return true;
        },
      );
    });
  }

  it("with times that no timer can wait is refused, but for those of jobs", () => {
    const long = "9000000";
    for (const { names, read } of DAEMONS) {
      const times = names.filter((name) => name.endsWith("_SECONDS"));
      for (const name of times.filter((time) => time !== "JOBCTL_MAX_JOB_SECONDS"))
        assert.throws(() => read({ ...TOKENS, [name]: long }), /must be at most 2147483/, name);
    }
    assert.equal(
      server.readConfig({ ...TOKENS, JOBCTL_MAX_JOB_SECONDS: long }).maxJobSeconds,
      Number(long),
    );
  });

  it("with figures that contradict each other is refused", () => {
    const read = (extra: Record<string, string>) => () =>
      server.readConfig({ ...TOKENS, ...extra });
    assert.throws(read({ JOBCTL_AGENT_DEAD_SECONDS: "50" }), /less than twice/);
    assert.throws(read({ JOBCTL_RECONCILE_SECONDS: "100" }), /less than JOBCTL_AGENT_DEAD_SECONDS/);
    assert.throws(
      read({ JOBCTL_AGENTS: "agent:9000", SERVICE_X_MAX_RUNS: "0", JOBCTL_RECONCILE_SECONDS: "1" }),
      /is not an http URL.*SERVICE_X_MAX_RUNS: must be at least 1.*JOBCTL_RECONCILE_SECONDS/,
    );
    for (const share of ["0", "1.5", "much"])
      assert.throws(read({ JOBCTL_CAPACITY_THRESHOLD: share }), /JOBCTL_CAPACITY_THRESHOLD/);
    assert.throws(read({ JOBCTL_CORS_ORIGINS: "*" }), /is not an origin/);
    assert.throws(read({ JOBCTL_TRUST_PROXY: "10.0.0.0/33" }), /is no address/);
    assert.ok(read({ JOBCTL_TRUST_PROXY: "10.0.0.0/8,::1,loopback" })());
    assert.ok(read({ JOBCTL_AGENTS: "dns+http://agent:9000" })());
  });
});
