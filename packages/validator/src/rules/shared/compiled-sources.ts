import { isKnown } from "../../characters.js";
import type { Invocation } from "../../unwrap.js";

const COMPILERS =
  /^(gcc|cc|g\+\+|c\+\+|clang|clang\+\+|tcc|rustc|javac|java|go|ghc|runghc|ocaml|nim|zig|crystal|kotlinc|scalac|dotnet|mcs|csc|gfortran|nasm|tsc|ts-node|swiftc|dmd|ldc2|v|hx)$/;
const SOURCE =
  /\.(c|cc|cpp|cxx|go|rs|java|hs|ml|nim|zig|cr|kt|scala|cs|f90|asm|s|ts|swift|d|v|hx)$/i;

/** The sources that a compiler makes a program of: what they do is done when it runs. */
export function compiledSources({ name, args }: Invocation): string[] {
  if (!COMPILERS.test(name)) return [];
  return args.filter((arg) => arg.length < 500 && SOURCE.test(arg) && isKnown(arg));
}
