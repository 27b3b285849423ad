import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { openStore, type Store } from "./store.js";

const DAY_MS = 24 * 60 * 60 * 1000;
const nobody = (): boolean => false;
const URL = "http://agent:9000";

describe("the keys of agents", () => {
  let directory: string;
  let store: Store;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-keys-"));
    store = openStore(join(directory, "jobctl.db"));
  });
  afterEach(() => {
    store.close();
    rmSync(directory, { recursive: true });
  });

  it("are bound once, and use up the one-time secret of the address", () => {
    const keys = store.agentKeys;
    keys.putOneTimeSecret(URL, "old", 1);
    keys.putOneTimeSecret(URL, "secret", 2);
    assert.deepEqual(keys.findOneTimeSecret(URL), { secret: "secret", expiresAt: 2 });
    keys.bind("a", "key-of-a", URL, 5, nobody);
    assert.equal(keys.findOneTimeSecret(URL), null);
    assert.throws(() => keys.bind("a", "another-key", URL, 6, nobody));
    assert.deepEqual(keys.list(), [{ name: "a", publicKey: "key-of-a", enrolledAt: 5 }]);
    keys.forget("a");
    keys.bind("a", "another-key", URL, 6, nobody);
  });

  it("of agents that have not been seen for 90 days are forgotten when another is bound", () => {
    const keys = store.agentKeys;
    keys.bind("gone", "k", URL, 0, nobody);
    keys.bind("there", "k", URL, 0, nobody);
    keys.seen("there", 80 * DAY_MS);
    assert.deepEqual(
      keys.bind("newer", "k", URL, 91 * DAY_MS, () => true),
      [],
    );
    assert.deepEqual(keys.bind("new", "k", URL, 91 * DAY_MS, nobody), ["gone"]);
    assert.deepEqual(
      keys.list().map(({ name }) => name),
      ["new", "newer", "there"],
    );
  });

  it("belong to an installation that is made once", () => {
    const made = { uuid: "one", publicKey: "p", privateKey: "s" };
    assert.equal(store.installation.find(), null);
    assert.deepEqual(store.installation.create(made, 1), made);
    assert.deepEqual(store.installation.create({ ...made, uuid: "two" }, 2), made);
    assert.deepEqual(store.installation.find(), made);
  });
});
