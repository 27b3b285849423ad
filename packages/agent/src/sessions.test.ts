import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";

import {
  Secret,
  makeKeyPair,
  leaseIdOf,
  openSession,
  type Installation,
  type Logger,
  type Session,
  type SessionRequest,
} from "@jobctl/daemon";
import type { AgentHello, AgentProof, ServerHello, ServerProof } from "@jobctl/protocol";
import fc from "fast-check";

import { Identity } from "./identity.js";
import { Sessions } from "./sessions.js";

const SECRET = "a-secret-of-both";

describe("a session between server and agent", () => {
  type Refusal = Parameters<Logger["warn"]>[0];
  let refusals: Refusal[];
  const logger = {
    ...{ debug() {}, info() {}, error() {} },
    warn: (facts: Refusal) => void refusals.push(facts),
  };
  let directory: string;
  let isWatched: boolean;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-sessions-"));
    isWatched = false;
    refusals = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const secretOf = (value: string | null): Secret | null =>
    value === null ? null : Secret.find("T", { T: value });
  const makeAgent = async (secret: string | null = SECRET): Promise<Sessions> =>
    new Sessions(
      "agent-1",
      await Identity.open(directory),
      secretOf(secret),
      () => isWatched,
      logger,
    );
  const pinned = async () => (await Identity.open(directory)).server;
  const makeInstallation = (): Installation => ({ id: randomUUID(), keys: makeKeyPair() });

  /** What a server does, with the messages altered on their way. */
  const open = (
    agent: Sessions,
    installation: Installation,
    request: Partial<SessionRequest> = {},
    alter: (message: object) => object = (message) => message,
  ): Promise<Session> =>
    openSession({
      ...{
        installation,
        epoch: 1,
        lease: leaseIdOf("host:1", 1),
        purpose: "work",
        secrets: [SECRET],
        keyOf: () => null,
      },
      send: async (method, message) =>
        alter(
          method === "POST"
            ? agent.begin(alter(message) as ServerHello)
            : await agent.complete(alter(message) as ServerProof),
        ),
      ...request,
    });
  const check = (agent: Sessions, { token }: Session, { id }: Installation, epoch = "1"): void =>
    agent.check({ token, installation: id, epoch });

  it("begins when both prove the same secret, and makes the agent serve this installation", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const session = await open(agent, server);
    assert.equal(session.name, "agent-1");
    check(agent, session, server);
    assert.deepEqual(await pinned(), { installation: server.id, key: server.keys.publicKey });
    assert.equal(statSync(join(directory, "identity.json")).mode & 0o777, 0o600);
  });

  it("needs no secret once they know each other, also after a restart", async () => {
    const server = makeInstallation();
    const { key } = await open(await makeAgent(), server);
    const again = await makeAgent(null);
    const session = await open(again, server, { secrets: [], keyOf: () => key });
    check(again, session, server);
    assert.equal(session.isNew, false);
  });

  it("accepts each of several secrets, on either side", async () => {
    const server = makeInstallation();
    await open(await makeAgent(), server, { secrets: ["next-secret", SECRET] });
    assert.notEqual(await pinned(), null);
  });

  it("ends with the next one, and is told apart by token, installation and epoch", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const first = await open(agent, server);
    const second = await open(agent, server, { keyOf: () => first.key });
    assert.notEqual(first.token, second.token);
    assert.throws(() => check(agent, first, server), { code: "unauthorized" });
    assert.throws(() => check(agent, second, makeInstallation()), {
      code: "installation_mismatch",
    });
    assert.throws(() => check(agent, second, server, "0"), { code: "epoch_outdated" });
    assert.throws(() => agent.check({ token: undefined, installation: server.id, epoch: "1" }), {
      code: "unauthorized",
    });
    // A server without sessions shows the message alone.
    assert.throws(() => agent.check({ token: "old", installation: undefined, epoch: undefined }), {
      code: "unauthorized",
      message: /there is no such session.*the server may be older than this agent/,
    });
    check(agent, second, server);
  });

  it("is refused to a server that does not know the secret, and nothing is kept", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    await assert.rejects(open(agent, server, { secrets: ["a guess"] }), {
      code: "enrolment_refused",
    });
    await assert.rejects(open(agent, server, { secrets: [] }), { code: "enrolment_refused" });
    assert.equal(await pinned(), null);
  });

  it("is refused to another installation, also to one that knows the secret", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const session = await open(agent, server);
    await assert.rejects(open(agent, makeInstallation()), { code: "installation_mismatch" });
    // The id alone is no proof.
    const thief = { id: server.id, keys: makeKeyPair() };
    await assert.rejects(open(agent, thief), { code: "installation_mismatch" });
    check(agent, session, server);
  });

  it("is refused with one log line a minute for each reason", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    await open(agent, server);
    refusals = [];
    const strangers = Array.from({ length: 5 }, makeInstallation);
    for (const stranger of strangers) await assert.rejects(open(agent, stranger));
    await assert.rejects(
      agent.complete({ handshake: "none", signature: "", enrol: false, macs: [] }),
    );
    assert.deepEqual(refusals, [
      { event: "session_refused", code: "installation_mismatch", installation: strangers[0]?.id },
      { event: "session_refused", code: "unauthorized", installation: null },
    ]);
  });

  it("is refused to a server that shows a key and does not have it", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    await open(agent, server);
    const { publicKey } = server.keys;
    const thief = { id: server.id, keys: { publicKey, privateKey: makeKeyPair().privateKey } };
    await assert.rejects(open(agent, thief), { code: "unauthorized" });
  });

  it("is refused to an agent with another key than the one that its name is bound to", async () => {
    const other = makeKeyPair().publicKey;
    await assert.rejects(open(await makeAgent(), makeInstallation(), { keyOf: () => other }), {
      code: "agent_key_mismatch",
      message: /the name agent-1 is bound to the key [0-9a-f:]{19}, and this agent shows/,
    });
  });

  it("is refused to an agent that shows a key and does not have it", async () => {
    const { publicKey } = makeKeyPair();
    const alter = (message: object) =>
      "handshake" in message && "key" in message ? { ...message, key: publicKey } : message;
    await assert.rejects(open(await makeAgent(), makeInstallation(), {}, alter), {
      code: "agent_key_mismatch",
    });
  });

  it("is refused to a new agent that does not prove the secret, or sends the server's proof back", async () => {
    const server = makeInstallation();
    for (const echo of [false, true]) {
      let macs: string[] = [];
      const alter = (message: object): object => {
        if ("signature" in message && "macs" in message) macs = (message as AgentProof).macs;
        if (!("macs" in message) || "signature" in message) return message;
        return { macs: echo ? macs : [] };
      };
      await assert.rejects(open(await makeAgent(), server, {}, alter), {
        code: "enrolment_refused",
      });
    }
  });

  it("does not begin with a check, which changes nothing", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const session = await open(agent, server, { purpose: "check" });
    assert.throws(() => check(agent, session, server), { code: "unauthorized" });
    assert.equal(await pinned(), null);
  });

  it("cannot be had by repeating what was said before", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const said: object[] = [];
    await open(agent, server, {}, (message) => {
      said.push(message);
      return message;
    });
    const [hello, , proof] = said as [ServerHello, AgentHello, ServerProof];
    await assert.rejects(agent.complete(proof), { code: "unauthorized" });
    const { handshake } = agent.begin(hello);
    await assert.rejects(agent.complete({ ...proof, handshake }), { code: "unauthorized" });
  });

  it("has to be completed in time, and too many beginnings cost no memory", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const clock = mock.method(performance, "now", () => 0);
    try {
      const alter = (message: object): object => {
        if ("macs" in message) clock.mock.mockImplementation(() => 10_001);
        return message;
      };
      await assert.rejects(open(agent, server, {}, alter), { code: "unauthorized" });
      const late = (message: object): object => {
        // Between the two messages of one server others begin three hundred handshakes.
        if ("handshake" in message && "key" in message)
          for (let n = 0; n < 300; n += 1) agent.begin(helloOf(makeInstallation()));
        return message;
      };
      await assert.rejects(open(agent, server, {}, late), { code: "unauthorized" });
      await open(agent, server);
    } finally {
      clock.mock.restore();
    }
  });

  it("is kept by the newest server, also while that is away and after a restart", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    await open(agent, server, { epoch: 5 });
    for (isWatched of [true, false]) {
      await assert.rejects(open(agent, server, { epoch: 4 }), { code: "epoch_outdated" });
      await open(agent, server, { epoch: 4, purpose: "check" });
    }
    isWatched = true;
    await open(agent, server, { epoch: 6, lease: leaseIdOf("elsewhere:1", 1) });
    const restarted = await makeAgent();
    await assert.rejects(open(restarted, server, { epoch: 5 }), { code: "epoch_outdated" });
    await open(restarted, server, { epoch: 6 });
  });

  it("is refused to an older server while the epoch cannot be stored, which is done later", async () => {
    const identity = await Identity.open(directory);
    const server = makeInstallation();
    const agent = new Sessions("agent-1", identity, secretOf(SECRET), () => false, logger);
    await open(agent, server, { epoch: 5 });
    rmSync(identity.path);
    await open(agent, server, { epoch: 6 });
    await assert.rejects(open(agent, server, { epoch: 5 }), { code: "epoch_outdated" });
    assert.deepEqual([identity.isStored(), identity.isCurrent()], [false, false]);
    await identity.store();
    assert.equal((await Identity.open(directory)).epoch, 6);
  });

  it("is kept from another server with the same epoch while the first one is connected", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const copy = { lease: leaseIdOf("elsewhere:1", 1) };
    const first = await open(agent, server);
    isWatched = true;
    await assert.rejects(open(agent, server, copy), {
      code: "epoch_outdated",
      message: /another server of the same installation with the same epoch 1/,
    });
    check(agent, first, server);
    // The first one itself may open another session.
    await open(agent, server, { keyOf: () => first.key });
    isWatched = false;
    await open(agent, server, copy);
  });

  it("ends the open answers of another server, and keeps those of the same one", async () => {
    const [agent, server] = [await makeAgent(), makeInstallation()];
    const ended: string[] = [];
    await open(agent, server);
    agent.track(() => ended.push("first"));
    const forget = agent.track(() => ended.push("answered"));
    forget();
    await open(agent, server);
    agent.track(() => ended.push("second"));
    assert.deepEqual(ended, []);
    await open(agent, server, { epoch: 2, lease: leaseIdOf("elsewhere:1", 1) });
    assert.deepEqual(ended, ["first", "second"]);
  });

  it("never begins when any word of the handshake has been changed on the way", async () => {
    const server = makeInstallation();
    const { key } = await open(await makeAgent(), server);
    const fields = [
      "key",
      "nonce",
      "ephemeral",
      "signature",
      "name",
      "installation",
      "handshake",
      "lease",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...fields),
        fc.integer({ min: 0, max: 3 }),
        fc.nat(20),
        fc.constantFrom("A", "B", "7"),
        async (field, at, position, letter) => {
          const agent = await makeAgent();
          let count = 0;
          let changed = false;
          const alter = (message: object): object => {
            const value = (message as Record<string, unknown>)[field];
            if (count++ !== at || typeof value !== "string" || value[position] === letter)
              return message;
            changed = true;
            const text = value.slice(0, position) + letter + value.slice(position + 1);
            return { ...message, [field]: text };
          };
          const opened = await open(agent, server, { keyOf: () => key }, alter).catch(() => null);
          if (changed) assert.equal(opened, null);
          else assert.notEqual(opened, null);
        },
      ),
      { numRuns: 200 },
    );
  });
});

function helloOf({ id, keys }: Installation): ServerHello {
  const random = (): string => makeKeyPair().publicKey;
  return {
    ...{ protocol: 1, purpose: "work", installation: id, epoch: 1, key: keys.publicKey },
    ...{ lease: leaseIdOf("host:1", 1), nonce: random(), ephemeral: random() },
  };
}
