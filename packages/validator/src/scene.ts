import type { Budget } from "./budget.js";
import type { Severity, TraceStep } from "./diagnostic.js";
import type { Directory } from "./directory.js";
import type { Input, Inputs } from "./inputs.js";
import type { Origin, Place } from "./origin.js";
import type { Command, SyntaxNode } from "./parse.js";
import type { Resolver } from "./resolve.js";
import type { RuleId } from "./rules/index.js";
import type { Found } from "./rules/report.js";
import type { Symbols } from "./symbols.js";
import { isDisguised } from "./tree.js";
import type { Invocation } from "./unwrap.js";
import type { WrittenFiles } from "./checks/written-files.js";

/** What is to be said about a place; the severity is the rule's own unless given. */
export interface Statement {
  readonly rule: RuleId;
  readonly message: string;
  /** The command as it was understood. */
  readonly resolved?: string;
  readonly trace?: readonly TraceStep[];
  readonly severity?: Severity | undefined;
}

/** How a text is run. */
export interface Embedding {
  /** Whether a shell is certain to run exactly this text: then it must be valid bash. */
  readonly isRun?: boolean;
  /** What `$1` and the following stand for in it. */
  readonly args?: readonly string[];
}

/** What the checks work with: what is known of the script, and whom to tell what they find. */
export interface Scene {
  readonly budget: Budget;
  readonly symbols: Symbols;
  readonly resolver: Resolver;
  readonly inputs: Inputs;
  readonly directory: Directory;
  readonly written: WrittenFiles;
  report(origin: Origin, place: Place, statement: Statement): void;
  /** Looks at text that is run as a script; what is found in it is reported where it came from. */
  embed(
    text: string,
    trace: readonly TraceStep[],
    node: SyntaxNode,
    origin: Origin,
    how?: Embedding,
  ): void;
}

/** One use of a command, with what reaches it, and whom to tell what is found. */
export interface Use {
  readonly scene: Scene;
  readonly invocation: Invocation;
  readonly node: Command;
  readonly input: Input;
  readonly found: Found;
  readonly origin: Origin;
  /** Whether it is the only meaning that its text can have. */
  readonly isCertain: boolean;
}

/** Tells what is found about a command, at its name. */
export function founder(
  scene: Scene,
  invocation: Invocation,
  node: Command,
  origin: Origin,
): Found {
  const resolved = [invocation.program, ...invocation.args].join(" ");
  const place = { pos: node.name?.pos ?? node.pos, end: node.end };
  const { trace } = invocation;
  return (rule, message, severity) => {
    // Who only looks up an account writes the file's name plainly.
    const said = rule === "PATH-ACCT" && isDisguised(node) ? "error" : severity;
    scene.report(origin, place, { rule, message, resolved, trace, severity: said });
  };
}

/** Looks at text that the command of this use runs as a script. */
export function embedIn(use: Use, text: string, how?: Embedding): void {
  const { scene, invocation, node, origin } = use;
  const { name, trace } = invocation;
  scene.embed(text, [...trace, { kind: "embedded", name }], node, origin, how);
}
