import { compileGlobs, globsProblem } from "@jobctl/protocol";

/**
 * Makes a test for the paths that a result keeps.
 *
 * The server checks patterns at submit. A list that is not valid comes from an attempt that was
 * accepted under another grammar: everything is kept then, so that no result is lost.
 *
 * @param outputs globs of the files to keep; empty keeps all
 */
export function compileOutputs(outputs: readonly string[]): (path: string) => boolean {
  if (outputs.length === 0 || globsProblem(outputs) !== null) return () => true;
  return compileGlobs(outputs);
}
