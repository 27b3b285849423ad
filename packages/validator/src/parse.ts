import { forEachChild, parse, type ParsedScript, type SyntaxNode } from "unbash";

import { BudgetExceeded, type Budget } from "./budget.js";
import { LIMITS } from "./limits.js";

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
 *
 * @throws BudgetExceeded
 */
export function parseBash(source: string, budget?: Budget): Parsed {
  if (hasTooManyDocuments(source))
    throw new BudgetExceeded(
      `a line in it has more than ${LIMITS.waitingDocuments} here-documents`,
    );
  let script: ParsedScript;
  try {
    script = parse(source);
  } catch (error) {
    return { script: null, problem: { message: (error as Error).message, offset: 0 } };
  }
  const problem = findProblem(script, budget);
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

function findProblem(root: SyntaxNode, budget?: Budget): SyntaxProblem | null {
  const open: SyntaxNode[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    budget?.spend();
    if (node.type === "Pipeline" && node.commands.length > LIMITS.pipeCommands)
      throw new BudgetExceeded(`a pipe in it has more than ${LIMITS.pipeCommands} commands`);
    if (node.type === "Script") {
      const [error] = node.errors ?? [];
      if (error !== undefined) return { message: error.message, offset: error.pos };
    }
    forEachChild(node, (child) => open.push(child));
  }
  return null;
}

/** The parser takes the square of their number. What only looks like them, in quotes or comments, counts as well. */
function hasTooManyDocuments(source: string): boolean {
  let count = 0;
  let lineEnd = -1;
  for (let at = source.indexOf("<<"); at !== -1; at = source.indexOf("<<", at + 2)) {
    if (at > lineEnd) {
      count = 0;
      lineEnd = source.indexOf("\n", at);
      // A line that is continued is not over.
      while (lineEnd !== -1 && source[lineEnd - 1] === "\\")
        lineEnd = source.indexOf("\n", lineEnd + 1);
      if (lineEnd === -1) lineEnd = source.length;
    }
    if (source[at + 2] === "<") at += 1;
    else count += 1;
    if (count > LIMITS.waitingDocuments) return true;
  }
  return false;
}
