import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import type { Logger } from "@jobctl/daemon";

import { openStore } from "../store/store.js";
import { Backups } from "./backups.js";

describe("a backup whose client makes no progress", () => {
  it("ends, and makes room for the next one", async () => {
    const directory = mkdtempSync(join(tmpdir(), "jobctl-backups-"));
    const store = openStore(join(directory, "jobctl.db"));
    const events: string[] = [];
    const log = ({ event }: { event: string }): number => events.push(event);
    const logger = { info: log, warn: log } as unknown as Logger;
    const backups = new Backups({ store, temporary: directory, logger, idleMs: 20 });
    const closed = new AbortController().signal;
    const session = await backups.begin();
    await assert.rejects(backups.begin(), { code: "backup_running" });
    // It ends by itself, and not because somebody went away.
    for await (const _line of backups.heldOpen(session, closed, 5));
    await backups.end(session.id);
    assert.deepEqual(events, ["backup_begun", "backup_abandoned", "backup_ended"]);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith("backup-")),
      [],
    );
    const next = await backups.begin();
    await backups.end(next.id);
    store.close();
    rmSync(directory, { recursive: true });
  });
});
