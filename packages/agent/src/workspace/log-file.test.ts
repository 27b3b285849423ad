import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { LogFile } from "./log-file.js";

const never = new AbortController().signal;

describe("a log file", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-log-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("is read from any offset while it grows, to its last byte", async () => {
    const log = await LogFile.open(join(directory, "log"), 1000);
    await log.append(Buffer.from("abc"));
    const reading = [readAll(log, 0), readAll(log, 2), readAll(log, 5), readAll(log, 100)];
    await log.append(Buffer.from("def"));
    await log.append(Buffer.from("gh"));
    await log.finish();
    assert.deepEqual(await Promise.all(reading), ["abcdefgh", "cdefgh", "fgh", ""]);
    assert.equal(await readAll(log, 6), "gh");
  });

  it("without following ends at what there is", async () => {
    const log = await LogFile.open(join(directory, "log"), 1000);
    await log.append(Buffer.from("abc"));
    assert.equal(await readAll(log, 0, false), "abc");
    await log.finish();
  });

  it("keeps what fits and says that not everything did", async () => {
    const log = await LogFile.open(join(directory, "log"), 5);
    assert.equal(await log.append(Buffer.from("abc")), true);
    assert.equal(await log.append(Buffer.from("def")), false);
    await log.finish();
    assert.equal(await readAll(log, 0), "abcde");
  });

  it("lets go of a reader that has gone", async () => {
    const log = await LogFile.open(join(directory, "log"), 5);
    const gone = new AbortController();
    const reading = readAll(log, 0, true, gone.signal);
    gone.abort();
    assert.equal(await reading, "");
    await log.finish();
  });
});

async function readAll(
  log: LogFile,
  offset: number,
  follow = true,
  signal = never,
): Promise<string> {
  let text = "";
  for await (const chunk of log.read(offset, follow, signal)) text += chunk.toString();
  return text;
}
