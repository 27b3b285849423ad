import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { readInstallationNote, writeInstallationNote } from "./data-folder.js";
import { JobIds, refuseAfterLoss } from "./job-ids.js";
import { NEW_JOB } from "./new-job.test-support.js";
import { openStore, type Store } from "./store.js";

describe("ids of jobs", () => {
  const installation = randomUUID();
  let dataPath: string;
  let dbPath: string;
  let store: Store;
  let ids: JobIds;
  let events: string[];
  const note = (facts: object): void => {
    events.push((facts as { event: string }).event);
  };
  const logger = { warn: note, error: note };
  const open = (): void => {
    store = openStore(dbPath);
    ids = new JobIds({ boot: "a-boot", dataPath, installation, jobs: store.jobs, logger });
  };
  beforeEach(async () => {
    events = [];
    dataPath = mkdtempSync(join(tmpdir(), "jobctl-ids-"));
    dbPath = join(dataPath, "jobctl.db");
    await writeInstallationNote(dataPath, installation, 0);
    open();
  });
  afterEach(() => {
    store.close();
    rmSync(dataPath, { recursive: true });
  });
  const submit = (): number => {
    const { id } = store.transaction(() => {
      ids.skipGiven();
      const made = store.jobs.insert(NEW_JOB, {});
      ids.reserve(made.id);
      return made;
    });
    ids.noteGiven(id);
    return id;
  };
  /** What a database comes to whose log has been damaged. */
  const loseAfter = (lose: () => void): void => {
    store.checkpoint();
    copyFileSync(dbPath, join(dataPath, "earlier.db"));
    lose();
    store.close();
    copyFileSync(join(dataPath, "earlier.db"), dbPath);
  };

  it("go on where they were, without a gap, after a clean stop and after a kill", () => {
    assert.deepEqual([submit(), submit()], [1, 2]);
    ids.close();
    store.close();
    open();
    assert.equal(readInstallationNote(dataPath)?.reservedJobId, 2);
    assert.equal(submit(), 3);
    store.close();
    open();
    assert.deepEqual([submit(), events], [4, []]);
  });

  it("are not given out again by a database that has lost some, and the loss is told until it is given up", () => {
    submit();
    loseAfter(() => (submit(), submit()));
    open();
    assert.deepEqual([ids.lost, events], [{ first: 2, last: 3 }, ["jobs_lost"]]);
    assert.throws(() => refuseAfterLoss(ids.lost), { code: "data_mismatch", message: /2 to 3/ });
    assert.deepEqual([submit(), store.jobs.countRemoved()], [4, 0]);
    store.close();
    open();
    assert.deepEqual(ids.lost, { first: 2, last: 3 });
    ids.giveUpLost();
    store.close();
    open();
    assert.deepEqual([ids.lost, submit()], [null, 5]);
  });

  it("are left out up to the end of the reserved block after the machine has failed", () => {
    submit();
    const last = join(dataPath, "last-job-id");
    const older = readFileSync(last, "latin1").replace(/ \S+ 1\n/, ` ${randomUUID()} 1\n`);
    loseAfter(() => submit());
    writeFileSync(last, older);
    open();
    assert.equal(submit(), 1002);
    store.close();
    for (const content of ["", "\0".repeat(200), "x".repeat(5000)]) {
      writeFileSync(last, content);
      open();
      store.close();
    }
    open();
    assert.deepEqual([submit(), ids.lost], [2003, null]);
  });
});
