import { ALLOWED_CALLS } from "./allowed-system-calls.js";
import { BPF, and, assemble, jump, load, verdict, type Instruction } from "./bpf.js";
import { ARCHITECTURES, type Architecture } from "./system-call-numbers.js";

/** Verdicts of linux/seccomp.h. */
export const ALLOW = 0x7fff0000;
export const KILL_PROCESS = 0x80000000;
const ERRNO = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
export const errno = (number: number): number => ERRNO | number;
/** The call does nothing, and says that it has. */
export const PRETEND: number = errno(0);

/** Offsets in `struct seccomp_data`; of each argument the low word, which is all that the kernel looks at. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;

const AF_UNIX = 1;
/** AF_INET, AF_INET6 and AF_NETLINK, through which programs ask for the machine's addresses. */
const NETWORK_FAMILIES = [2, 10, 16] as const;

/** SOCK_STREAM and SOCK_SEQPACKET; the other bits of a type are flags. */
const CONNECTED_TYPES = [1, 5] as const;
const TYPE_MASK = 0xf;

/** Every CLONE_NEW* that clone(2) takes: mounts, control groups, names, IPC, users, processes, network. */
const NEW_NAMESPACES = 0x7e020000;

/** TIOCSTI and TIOCLINUX: both inject terminal input. */
const TERMINAL_INPUT = [0x5412, 0x541c] as const;

/** Of linux/prctl.h. */
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const SIGKILL = 9;

/** PER_LINUX, PER_LINUX32, each with UNAME26, and the question what it is. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff] as const;

/**
 * A filter of system calls for a job, as `bwrap --seccomp` takes it; null on an architecture whose numbers are
 * not known here. It lets through what ordinary programs need (`ALLOWED_CALLS`), sockets of a few
 * families, and no namespaces: the sandbox is complete when the filter comes into force.
 *
 * @param network whether the job shares the machine's network, and so its abstract Unix sockets. Such a job may
 *   have pairs of connected sockets, and no other Unix socket.
 */
export function seccompFilter(architecture: string, network: boolean): Buffer | null {
  const known = ARCHITECTURES[architecture];
  return known === undefined ? null : assemble(program(known, network));
}

function program({ audit, x32From, numbers }: Architecture, network: boolean): Instruction[] {
  const call = (name: string, rule: readonly Instruction[]): Instruction[] => {
    const number = numbers[name];
    if (number === undefined) return [];
    // Every rule ends in verdicts, so what comes after it sees the number as before.
    return [jump(BPF.jumpIfEqual, number, { ifFalse: rule.length }), ...rule];
  };
  return [
    load(ARCHITECTURE),
    jump(BPF.jumpIfEqual, audit, { ifTrue: 1 }),
    verdict(KILL_PROCESS),
    load(NUMBER),
    ...(x32From === null
      ? []
      : [jump(BPF.jumpIfGreaterOrEqual, x32From, { ifFalse: 1 }), verdict(errno(ENOSYS))]),
    ...call("clone", [
      load(argument(0)),
      jump(BPF.jumpIfAnySet, NEW_NAMESPACES, { ifFalse: 1 }),
      verdict(errno(EPERM)),
      verdict(ALLOW),
    ]),
    // Its flags lie in memory, where no filter sees them: the C library uses clone instead.
    ...call("clone3", [verdict(errno(ENOSYS))]),
    ...call("socket", [
      load(argument(0)),
      ...oneOf(network ? NETWORK_FAMILIES : [AF_UNIX, ...NETWORK_FAMILIES], errno(EAFNOSUPPORT)),
    ]),
    ...call("socketpair", [
      load(argument(0)),
      jump(BPF.jumpIfEqual, AF_UNIX, { ifTrue: 1 }),
      verdict(errno(EAFNOSUPPORT)),
      // One of a pair of datagram sockets can be connected to any other name later.
      ...(network
        ? [load(argument(1)), and(TYPE_MASK), ...oneOf(CONNECTED_TYPES, errno(EAFNOSUPPORT))]
        : [verdict(ALLOW)]),
    ]),
    ...call("ioctl", [load(argument(1)), ...noneOf(TERMINAL_INPUT, errno(EPERM))]),
    // A job can write to the memory of the sandbox's first process, which has to die with bubblewrap, and
    // its own processes have to stay visible to the agent. Programs that ask for less have no use for it here.
    ...call("prctl", [
      load(argument(0)),
      ...unlessArgument(PR_SET_PDEATHSIG, SIGKILL),
      ...unlessArgument(PR_SET_DUMPABLE, 1),
      verdict(ALLOW),
    ]),
    ...call("personality", [load(argument(0)), ...oneOf(PERSONALITIES, errno(EPERM))]),
    ...allowedRanges(numbers).flatMap(([first, last]) => [
      jump(BPF.jumpIfGreaterOrEqual, first, { ifFalse: 2 }),
      jump(BPF.jumpIfGreater, last, { ifTrue: 1 }),
      verdict(ALLOW),
    ]),
    // What is newer than this list does not exist, so that programs use what they used before it.
    jump(BPF.jumpIfGreater, Math.max(...Object.values(numbers)), { ifFalse: 1 }),
    verdict(errno(ENOSYS)),
    verdict(errno(EPERM)),
  ];
}

/** Allows an operation with one value of the next argument, and pretends to do it with any other. */
function unlessArgument(operation: number, value: number): Instruction[] {
  const rule = [
    load(argument(1)),
    jump(BPF.jumpIfEqual, value, { ifFalse: 1 }),
    verdict(ALLOW),
    verdict(PRETEND),
  ];
  return [jump(BPF.jumpIfEqual, operation, { ifFalse: rule.length }), ...rule];
}

function oneOf(values: readonly number[], otherwise: number): Instruction[] {
  return [...matches(values, verdict(ALLOW)), verdict(otherwise)];
}

function noneOf(values: readonly number[], otherwise: number): Instruction[] {
  return [...matches(values, verdict(otherwise)), verdict(ALLOW)];
}

function matches(values: readonly number[], then: Instruction): Instruction[] {
  return values.flatMap((value) => [jump(BPF.jumpIfEqual, value, { ifFalse: 1 }), then]);
}

/** The numbers that are allowed whatever their arguments, as ranges from the lowest to the highest. */
function allowedRanges(numbers: Architecture["numbers"]): [number, number][] {
  const allowed = ALLOWED_CALLS.flatMap(({ names }) => names)
    .flatMap((name) => numbers[name] ?? [])
    .toSorted((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const number of allowed) {
    const last = ranges.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
