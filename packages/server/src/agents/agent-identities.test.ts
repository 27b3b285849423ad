import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";

import { Secret, makeKeyPair } from "@jobctl/daemon";

import { AgentIdentities } from "./agent-identities.js";

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
  const make = (secret: string | null = "the-shared-secret"): AgentIdentities =>
    new AgentIdentities(
      { id: "an-id", keys: makeKeyPair() },
      { epoch: 1, holder: "host:1", since: 0 },
      makeStore(),
      secret === null ? null : Secret.find("T", { T: secret }),
      silent,
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
    const identities = make();
    mock.timers.enable({ apis: ["Date"], now: 0 });
    try {
      identities.putOneTimeSecret(URL);
      mock.timers.setTime(24 * 60 * 60 * 1000 - 1);
      assert.equal(identities.secretsFor(URL).length, 1);
      mock.timers.setTime(24 * 60 * 60 * 1000);
      assert.throws(() => identities.secretsFor(URL), {
        code: "enrolment_refused",
        message: /has expired/,
      });
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
