import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";

import { JobctlError, type ErrorCode } from "@jobctl/protocol";

import type { AgentLink } from "../agents/agent-link.js";
import { BlobStore } from "../blobs/blob-store.js";
import { fetchResult } from "./fetch-result.js";

const CONNECTED = new AbortController().signal;
const ANNOUNCED = { id: "1.1", sizeBytes: 10, sha256: "0".repeat(64) };

describe("a result that its agent refuses to send", () => {
  let directory: string;
  let blobs: BlobStore;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-fetch-"));
    blobs = new BlobStore(directory, 0);
  });
  after(() => rmSync(directory, { recursive: true }));

  const refuseWith = (code: ErrorCode): AgentLink => {
    const getResult = (): Promise<never> => Promise.reject(new JobctlError(code, "it says no"));
    return { client: { getResult }, connectionSignal: CONNECTED } as unknown as AgentLink;
  };

  for (const code of ["storage_full", "database_unavailable", "overloaded"] as const) {
    it(`with ${code} is the agent's failure, and none of the server's own`, async () => {
      await assert.rejects(
        fetchResult(refuseWith(code), blobs, ANNOUNCED, () => false),
        {
          code: "agent_unreachable",
          message: "the result of attempt 1.1 could not be fetched: it says no",
        },
      );
      assert.deepEqual(readdirSync(blobs.temporary), []);
    });
  }
});

describe("a result that is cut before its first byte", () => {
  let directory: string;
  let blobs: BlobStore;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-fetch-"));
    blobs = new BlobStore(directory, 0);
  });
  after(() => rmSync(directory, { recursive: true }));

  it("again and again by an agent that stays connected is wrong", async () => {
    let transfers = 0;
    const getResult = async (): Promise<Readable> => {
      transfers += 1;
      return new Readable({ read: (): void => void 0 }).destroy(new Error("other side closed"));
    };
    const untilReady = async (): Promise<void> => {};
    const link = { client: { getResult }, connectionSignal: CONNECTED, untilReady };
    await assert.rejects(
      fetchResult(link as unknown as AgentLink, blobs, ANNOUNCED, () => false),
      {
        code: "agent_answer_invalid",
        message: "the result of attempt 1.1 did not arrive in 5 transfers: other side closed",
      },
    );
    assert.equal(transfers, 5);
    assert.deepEqual(readdirSync(blobs.temporary), []);
  });
});
