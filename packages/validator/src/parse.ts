import { forEachChild, parse, type ParsedScript, type SyntaxNode } from "unbash";

// The only file that knows the parser: it is pinned exactly, and what changes in it changes here.
export { forEachChild };
export type {
  Command,
  CommandArgument,
  CommandNode,
  Function as FunctionNode,
  HereDoc,
  ParsedScript,
  Redirection,
  SyntaxNode,
  Word,
  WordPart,
} from "unbash";

interface SyntaxProblem {
  readonly message: string;
  readonly offset: number;
}

export type Parsed =
  | { readonly script: ParsedScript; readonly problem: null }
  | { readonly script: null; readonly problem: SyntaxProblem };

/**
 * Parses bash. Errors of command substitutions sit on their own scripts and come up when those are
 * visited, so the whole tree is: an error anywhere is an error.
 */
export function parseBash(source: string): Parsed {
  let script: ParsedScript;
  try {
    script = parse(source);
  } catch (error) {
    return { script: null, problem: { message: (error as Error).message, offset: 0 } };
  }
  const problem = findProblem(script);
  return problem === null ? { script, problem: null } : { script: null, problem };
}

/** The tree of a text that is not valid as a whole, as far as it was understood. */
export function parseAnyway(source: string): ParsedScript | null {
  try {
    return parse(source);
  } catch {
    return null;
  }
}

function findProblem(root: SyntaxNode): SyntaxProblem | null {
  const open: SyntaxNode[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === "Script") {
      const [error] = node.errors ?? [];
      if (error !== undefined) return { message: error.message, offset: error.pos };
    }
    forEachChild(node, (child) => open.push(child));
  }
  return null;
}
