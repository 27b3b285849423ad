/** One instruction of classic BPF: `struct sock_filter` of the kernel's linux/filter.h. */
export interface Instruction {
  readonly code: number;
  /** How many instructions to skip when the comparison holds, and when it does not; at most 255. */
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly operand: number;
}

/** Operation codes of linux/bpf_common.h, as far as a filter of system calls needs them. */
export const BPF = {
  /** BPF_LD | BPF_W | BPF_ABS: a word of `struct seccomp_data` becomes the accumulator. */
  load: 0x20,
  /** BPF_JMP with BPF_K: compare the accumulator with the operand. */
  jumpIfEqual: 0x15,
  jumpIfGreater: 0x25,
  jumpIfGreaterOrEqual: 0x35,
  /** Whether they have a bit in common. */
  jumpIfAnySet: 0x45,
  /** BPF_ALU | BPF_AND | BPF_K */
  and: 0x54,
  /** BPF_RET | BPF_K: the verdict. */
  return: 0x06,
} as const;

/** The kernel takes no longer program (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096;

const INSTRUCTION_BYTES = 8;

export function load(offset: number): Instruction {
  return { code: BPF.load, ifTrue: 0, ifFalse: 0, operand: offset };
}

export function and(mask: number): Instruction {
  return { code: BPF.and, ifTrue: 0, ifFalse: 0, operand: mask };
}

export function verdict(action: number): Instruction {
  return { code: BPF.return, ifTrue: 0, ifFalse: 0, operand: action };
}

export function jump(
  code: number,
  operand: number,
  { ifTrue = 0, ifFalse = 0 }: { readonly ifTrue?: number; readonly ifFalse?: number },
): Instruction {
  return { code, ifTrue, ifFalse, operand };
}

/**
 * The program as the kernel reads it, in the byte order of x86_64 and aarch64.
 *
 * @throws RangeError when it is longer, or jumps further, than the kernel allows
 */
export function assemble(program: readonly Instruction[]): Buffer {
  if (program.length > MAX_INSTRUCTIONS)
    throw new RangeError(`a filter of ${program.length} instructions is too long`);
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  for (const [index, { code, ifTrue, ifFalse, operand }] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(operand, at + 4);
  }
  return bytes;
}
