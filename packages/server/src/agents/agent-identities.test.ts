import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";

import { Secret, makeKeyPair } from "@jobctl/daemon";

import { AgentIdentities } from "./agent-identities.js";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const EXPIRED = { code: "enrolment_refused", message: /has expired/ };
const URL = "http://agent:9000";
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Keeps in memory what the database keeps. */
function makeStore() {
  const expected = new Map<string, { secret: string; expiresAt: number }>();
  return {
    list: () => [],
    bind: (_name: string, _key: string, url: string): string[] => {
      expected.delete(url);
      return [];
    },
    seen() {},
    forget() {},
    putOneTimeSecret: (url: string, secret: string, expiresAt: number) =>
      void expected.set(url, { secret, expiresAt }),
    findOneTimeSecret: (url: string) => expected.get(url) ?? null,
    deleteOneTimeSecret: (url: string) => void expected.delete(url),
  };
}

describe("the identities of agents", () => {
  const make = (
    secret: string | null = "the-shared-secret",
    store = makeStore(),
    nowMs?: () => number,
  ): AgentIdentities =>
    new AgentIdentities(
      { id: "an-id", keys: makeKeyPair() },
      { epoch: 1, holder: "host:1", since: 0 },
      store,
      secret === null ? null : Secret.find("T", { T: secret }),
      silent,
      nowMs,
    );

  it("are enrolled with the shared secret, or with one of their own and no other", () => {
    const identities = make();
    assert.deepEqual(identities.secretsFor(URL), ["the-shared-secret"]);
    const { secret } = identities.putOneTimeSecret(URL);
    assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(identities.secretsFor(URL), [secret]);
    identities.putOneTimeSecret(URL, "given-by-an-operator");
    assert.deepEqual(identities.secretsFor(URL), ["given-by-an-operator"]);
    identities.proved("agent-1", makeKeyPair().publicKey, true, URL);
    assert.deepEqual(identities.secretsFor(URL), ["the-shared-secret"]);
    assert.deepEqual(make(null).secretsFor(URL), []);
  });

  it("cannot be enrolled with a one-time secret that is older than a day", () => {
    let nowMs = 0;
    const identities = make(null, makeStore(), () => nowMs);
    identities.putOneTimeSecret(URL);
    nowMs = DAY_MS - 1;
    assert.equal(identities.secretsFor(URL).length, 1);
    nowMs = DAY_MS;
    assert.throws(() => identities.secretsFor(URL), EXPIRED);
  });

  it("expire a day after a start of the server at the latest, however its clock is set", () => {
    const store = makeStore();
    let nowMs = 0;
    mock.timers.enable({ apis: ["Date"], now: 100 * DAY_MS });
    try {
      const earlier = make(null, store, () => nowMs);
      earlier.putOneTimeSecret(URL);
      for (const jumpMs of [-HOUR_MS, HOUR_MS]) {
        mock.timers.setTime(100 * DAY_MS + jumpMs);
        assert.equal(earlier.secretsFor(URL).length, 1);
      }
      mock.timers.setTime(90 * DAY_MS);
      const later = make(null, store, () => nowMs);
      assert.equal(later.secretsFor(URL).length, 1);
      nowMs = DAY_MS;
      assert.throws(() => earlier.secretsFor(URL), EXPIRED);
      assert.throws(() => later.secretsFor(URL), EXPIRED);
    } finally {
      mock.timers.reset();
    }
  });

  it("are bounded in number, and there is room for another when one is forgotten", () => {
    const identities = make();
    const { publicKey } = makeKeyPair();
    for (let n = 0; n < 10_000; n += 1) identities.proved(`agent-${n}`, publicKey, true, URL);
    const enrol = (): void => identities.proved("one-more", publicKey, true, URL);
    assert.throws(enrol, { code: "enrolment_refused", message: /10000 agents/ });
    assert.equal(identities.forget("agent-7"), true);
    assert.equal(identities.forget("agent-7"), false);
    enrol();
    assert.equal(identities.keyOf("one-more"), publicKey);
    assert.equal(identities.show("agent-7"), null);
  });
});
