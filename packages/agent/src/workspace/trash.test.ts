import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { Logger } from "@jobctl/daemon";

import { Trash } from "./trash.js";

describe("the trash", () => {
  let root: string;
  let events: string[];
  let trash: Trash;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-trash-"));
    events = [];
    const note = ({ event }: { event: string }): unknown => events.push(event);
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    trash = new Trash(join(root, "trash"), logger);
  });
  afterEach(() => rm(root, { recursive: true }));

  const make = async (name: string): Promise<string> => {
    await mkdir(join(root, name, "workspace"), { recursive: true });
    return join(root, name);
  };
  const untilNothingIsStuck = async (): Promise<void> => {
    for (const until = performance.now() + 30_000; trash.stuck > 0; await delay(10))
      assert.ok(performance.now() < until, "it is tried again");
  };

  it("tries again to take what it could not, and says so once", async () => {
    await writeFile(join(root, "trash"), "in the way");
    const directory = await make("1.1");
    await trash.take(directory);
    await trash.take(directory);
    assert.deepEqual([trash.stuck, existsSync(directory)], [1, true]);
    await rm(join(root, "trash"));
    await untilNothingIsStuck();
    await trash.settled();
    assert.ok(!existsSync(directory));
    assert.deepEqual(await readdir(join(root, "trash")), []);
    assert.deepEqual(events, ["trash_not_removed", "trash_removed"]);
  });

  it("makes its own directory again when that is gone", async () => {
    await trash.open();
    await rm(join(root, "trash"), { recursive: true });
    await trash.take(await make("1.1"));
    await trash.settled();
    assert.deepEqual([trash.stuck, await readdir(root)], [0, ["trash"]]);
  });

  it("leaves alone what has been made anew in a place that it could not empty", async () => {
    await writeFile(join(root, "trash"), "in the way");
    const directory = await make("1.1");
    await trash.take(directory);
    trash.forget(directory);
    assert.equal(trash.stuck, 0);
  });
});
