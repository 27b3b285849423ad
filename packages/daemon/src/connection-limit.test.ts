import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";

import { ConnectionLimit, isLoopback } from "./connection-limit.js";
import type { Logger } from "./logger.js";

/** A connection as far as the limit looks at it. */
class Connection extends EventEmitter {
  answer = "";
  readonly remoteAddress: string;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  end(text: string): void {
    this.answer = text;
  }

  resume(): void {}
  destroy(): void {}
}

describe("the limit of connections", () => {
  const lines: unknown[] = [];
  const logger = { warn: (line: unknown) => lines.push(line) } as unknown as Logger;

  it("counts each address by itself, and what is closed no more", () => {
    const limit = new ConnectionLimit({ maxPerAddress: 2, exempt: ["10.0.0.0/8"], logger });
    const open = (address: string): [boolean, Connection] => {
      const connection = new Connection(address);
      return [limit.admit(connection as unknown as Socket), connection];
    };
    const [, first] = open("192.0.2.1");
    assert.equal(open("::ffff:192.0.2.1")[0], true);
    const [admitted, third] = open("192.0.2.1");
    assert.equal(admitted, false);
    assert.match(third.answer, /^HTTP\/1\.1 429 [^]*too_many_connections/);
    assert.equal(open("192.0.2.2")[0], true);
    for (let n = 0; n < 5; n += 1) assert.equal(open("10.1.2.3")[0], true);
    first.emit("close");
    assert.equal(open("192.0.2.1")[0], true);
    for (let n = 0; n < 5; n += 1) open("192.0.2.1");
    assert.equal(limit.refused, 6);
    assert.equal(lines.length, 1);
  });

  it("knows this machine's own addresses", () => {
    for (const own of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
      assert.equal(isLoopback(own), true, own);
    for (const other of ["10.0.0.1", "::2", "fe80::1%eth0", "128.0.0.1", "nonsense", undefined])
      assert.equal(isLoopback(other), false, other);
  });
});
