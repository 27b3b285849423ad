import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { ALLOWED_CALLS } from "./allowed-system-calls.js";
import { BPF } from "./bpf.js";
import { ALLOW, KILL_PROCESS, PRETEND, errno, seccompFilter } from "./seccomp-filter.js";
import { ARCHITECTURES } from "./system-call-numbers.js";

/** Of these the arguments decide. */
const WITH_RULES = ["clone", "clone3", "socket", "socketpair", "ioctl", "prctl", "personality"];

const ALLOWED = new Set(ALLOWED_CALLS.flatMap(({ names }) => names));

/** Runs a filter as the kernel does. */
function decide(filter: Buffer, audit: number, number: number, args: readonly bigint[]): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(audit, 4);
  for (const [index, value] of args.entries())
    data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const code = filter.readUInt16LE(at);
    const operand = filter.readUInt32LE(at + 4);
    const skip = (holds: boolean): void => {
      at += 8 * filter.readUInt8(at + (holds ? 2 : 3));
    };
    switch (code) {
      case BPF.load:
        accumulator = data.readUInt32LE(operand);
        break;
      case BPF.and:
        accumulator = (accumulator & operand) >>> 0;
        break;
      case BPF.jumpIfEqual:
        skip(accumulator === operand);
        break;
      case BPF.jumpIfGreater:
        skip(accumulator > operand);
        break;
      case BPF.jumpIfGreaterOrEqual:
        skip(accumulator >= operand);
        break;
      case BPF.jumpIfAnySet:
        skip((accumulator & operand) !== 0);
        break;
      case BPF.return:
        return operand;
      default:
        throw new Error(`unknown instruction ${code}`);
    }
  }
  throw new Error("the program has no end");
}

describe("the filter of system calls", () => {
  for (const [name, { audit, numbers }] of Object.entries(ARCHITECTURES)) {
    const filters = [false, true].map((network) => seccompFilter(name, network) as Buffer);
    const [offline, online] = filters as [Buffer, Buffer];
    const of = (filter: Buffer, call: string, ...args: (number | bigint)[]): number =>
      decide(filter, audit, numbers[call] ?? -1, args.map(BigInt));

    it(`${name}: allows the calls of the list, and no other`, () => {
      const names = new Map(Object.entries(numbers).map(([call, number]) => [number, call]));
      const newest = Math.max(...names.keys());
      for (const filter of filters) {
        for (let number = 0; number <= newest; number += 1) {
          const call = names.get(number) ?? "";
          if (WITH_RULES.includes(call)) continue;
          const expected = ALLOWED.has(call) ? ALLOW : errno(1);
          assert.equal(decide(filter, audit, number, []), expected, `${number} ${call}`);
        }
        assert.equal(decide(filter, audit, newest + 1, []), errno(38));
      }
    });

    it(`${name}: keeps the signal at the death of a parent, and processes visible`, () => {
      const cases: readonly [number, number, number][] = [
        [1, 9, ALLOW],
        [1, 0, PRETEND],
        [1, 15, PRETEND],
        [4, 1, ALLOW],
        [4, 0, PRETEND],
        [15, 0, ALLOW],
        [38, 1, ALLOW],
      ];
      for (const filter of filters)
        for (const [operation, value, expected] of cases)
          assert.equal(of(filter, "prctl", operation, value), expected, `${operation} ${value}`);
    });

    it(`${name}: never allows a call of another architecture, whatever its arguments`, () => {
      const word = fc.integer({ min: 0, max: 0xffffffff });
      const args = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 6 });
      fc.assert(
        fc.property(word, word, args, (otherAudit, number, values) => {
          fc.pre(otherAudit !== audit);
          for (const filter of filters)
            assert.equal(decide(filter, otherAudit, number, values), KILL_PROCESS);
        }),
      );
      for (const filter of filters) assert.equal(decide(filter, 0x40000003, 1, []), KILL_PROCESS);
    });

    it(`${name}: allows processes and threads, and no namespace`, () => {
      for (const filter of filters) {
        assert.equal(of(filter, "clone", 0x01200011), ALLOW);
        assert.equal(of(filter, "clone", 0x003d0f00), ALLOW);
        for (const bit of [17, 25, 26, 27, 28, 29, 30])
          assert.equal(of(filter, "clone", 17 + 2 ** bit), errno(1), `bit ${bit}`);
        assert.equal(of(filter, "clone3", 0, 0), errno(38));
        assert.equal(of(filter, "unshare", 0), errno(1));
      }
    });

    it(`${name}: allows sockets of the internet and netlink, and Unix ones without the network`, () => {
      for (let family = 0; family < 64; family += 1) {
        const internet = [2, 10, 16].includes(family);
        assert.equal(of(online, "socket", family), internet ? ALLOW : errno(97), `${family}`);
        const expected = internet || family === 1 ? ALLOW : errno(97);
        assert.equal(of(offline, "socket", family), expected, `${family}`);
        // The kernel looks at the low word only.
        assert.equal(of(offline, "socket", 2n ** 32n + BigInt(family)), expected);
      }
    });

    it(`${name}: allows pairs of sockets, with the network only those that stay connected`, () => {
      const cloexec = 0o2000000;
      for (let type = 1; type < 8; type += 1) {
        const expected = type === 1 || type === 5 ? ALLOW : errno(97);
        assert.equal(of(online, "socketpair", 1, type | cloexec), expected, `${type}`);
        assert.equal(of(offline, "socketpair", 1, type | cloexec), ALLOW);
        assert.equal(of(offline, "socketpair", 40, type), errno(97));
      }
    });

    it(`${name}: allows no input for a terminal, and no personality that weakens memory`, () => {
      for (const filter of filters) {
        assert.equal(of(filter, "ioctl", 0, 0x5401), ALLOW);
        for (const command of [0x5412, 0x541c]) {
          assert.equal(of(filter, "ioctl", 0, command), errno(1));
          assert.equal(of(filter, "ioctl", 0, 2n ** 32n + BigInt(command)), errno(1));
        }
        assert.equal(of(filter, "personality", 0xffffffff), ALLOW);
        assert.equal(of(filter, "personality", 0x0400000), errno(1));
      }
    });
  }

  it("x64: does not let x32 calls through under other numbers", () => {
    const { audit, numbers } = ARCHITECTURES["x64"] ?? { audit: 0, numbers: {} };
    for (const filter of [false, true].map((network) => seccompFilter("x64", network) as Buffer))
      for (const number of Object.values(numbers))
        assert.equal(decide(filter, audit, 0x40000000 + number, []), errno(38));
  });

  it("is not made for an architecture whose numbers are not known", () => {
    assert.equal(seccompFilter("riscv64", false), null);
  });
});
