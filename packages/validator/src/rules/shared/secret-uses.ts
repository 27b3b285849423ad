import {
  forEachChild,
  type Command,
  type CommandNode,
  type ParsedScript,
  type SyntaxNode,
} from "../../parse.js";
import { LISTS_VARIABLES, SOUGHT, isSecretName, isSecretPrefix } from "../data/secret-names.js";

/** What is known of the variables of a script. */
interface Variables {
  readonly isAssigned: (name: string) => boolean;
  readonly valuesOf: (name: string) => readonly string[];
}

/** A credential that a command is given, by the name of its variable. */
export interface SecretUse {
  readonly part: SyntaxNode;
  readonly name: string;
  readonly rule: "SECRET-ENV" | "SECRET-KEYS" | "SECRET-HUNT";
  readonly message: string;
}

const READERS = new WeakMap<SyntaxNode, CommandNode>();

/** Remembers who reads what each command of a pipe prints. */
export function rememberReaders(commands: readonly CommandNode[]): void {
  for (const [at, command] of commands.entries()) {
    const reader = commands[at + 1];
    if (reader !== undefined) READERS.set(command, reader);
  }
}

/** `env | while read -r line; do case $line in *TOKEN*) ... esac; done` */
export function searchInPipe(commands: readonly CommandNode[]): SyntaxNode | null {
  const at = commands.findIndex(
    (node) => node.type === "Command" && LISTS_VARIABLES.has(node.name?.value ?? ""),
  );
  if (at === -1) return null;
  const later = commands.slice(at + 1).filter(({ type }) => type !== "Command");
  let found: SyntaxNode | null = null;
  const visit = (node: SyntaxNode): void => {
    if (node.type === "Word" && SOUGHT.test(node.text.slice(0, 200))) found ??= node;
    if (found === null) forEachChild(node, visit);
  };
  later.forEach(visit);
  return found;
}

const ASKS = /^(\[|test|export|unset|:|declare|local|typeset|readonly|let)$/;
const PRINTS = /^(echo|printf|cat|tee|print|logger)$/;
/** Readers that log in with what they read, or only look whether there is something. */
/** Commands that are given a credential to log in with. */
const LOGS_IN =
  /^(wandb|huggingface-cli|hf|kaggle|comet|neptune|dvc|gh|docker|podman|singularity|apptainer)$/;
const TAKES =
  /\b(login|auth|password-stdin|with-token|passphrase-fd|import|wc|sha\d+sum|md5sum|grep|chpasswd)\b/;

/** Variables from outside that hold credentials, in the words of a command. */
export function secretUses(node: Command, variables: Variables): SecretUse[] {
  const name = node.name?.value ?? "";
  if (ASKS.test(name)) return [];
  const [verb, next] = node.args.map((arg) => (arg.type === "Word" ? arg.value : ""));
  if (LOGS_IN.test(name) && (verb === "login" || next === "login")) return [];
  const reader = READERS.get(node);
  const prints =
    PRINTS.test(name) &&
    !writesToFile(node) &&
    (reader === undefined || !TAKES.test(textOf(reader).slice(0, 500)));
  const uses: SecretUse[] = [];
  // Each is worth one word for a command.
  const named = new Set<string>();
  const visit = (part: SyntaxNode): void => {
    if (part.type === "CommandExpansion" || part.type === "ProcessSubstitution") return;
    for (const secret of secretsOf(part, variables)) {
      if (named.has(secret)) continue;
      named.add(secret);
      uses.push({
        part,
        name: secret,
        rule: prints ? "SECRET-KEYS" : "SECRET-ENV",
        message: prints ? `${name} prints ${secret}` : `${secret} is given to a command`,
      });
    }
    const prefix = listedPrefix(part);
    if (prefix !== null && isSecretPrefix(prefix))
      uses.push({ part, name: prefix, rule: "SECRET-HUNT", message: listing(prefix) });
    forEachChild(part, visit);
  };
  const read = node.redirects.flatMap((redirect): SyntaxNode[] => {
    if (redirect.type === "HereDoc") return [...(redirect.body.parts ?? [])];
    return redirect.type === "HereString" && redirect.target !== undefined ? [redirect.target] : [];
  });
  for (const word of [...node.args, ...(PRINTS.test(name) ? read : [])])
    if (word.type !== "Word" || word.parts) visit(word);
  return uses;
}

/** `for v in ${!AWS_*}`, in the words of a loop. */
export function prefixesListed(
  words: readonly SyntaxNode[],
): { part: SyntaxNode; message: string }[] {
  const found: { part: SyntaxNode; message: string }[] = [];
  const visit = (part: SyntaxNode): void => {
    const prefix = listedPrefix(part);
    if (prefix !== null && isSecretPrefix(prefix)) found.push({ part, message: listing(prefix) });
    forEachChild(part, visit);
  };
  for (const word of words) visit(word);
  return found;
}

const listing = (prefix: string): string => `all variables that begin with ${prefix} are listed`;

function secretsOf(part: SyntaxNode, { isAssigned, valuesOf }: Variables): string[] {
  const isOpen = (name: string): boolean => isSecretName(name) && !isAssigned(name);
  if (part.type === "SimpleExpansion") return [part.text.slice(1)].filter(isOpen);
  if (part.type !== "ParameterExpansion" || part.prefix === "#") return [];
  if (part.prefix === "!") {
    return part.operation?.type === "Names" ? [] : valuesOf(part.parameter).filter(isOpen);
  }
  const { operation } = part;
  // `${X:?...}` and `${X:+...}` only look whether it is there.
  if (operation?.type === "Default" && /[?+]/.test(operation.operator)) return [];
  return [part.parameter].filter(isOpen);
}

/** The beginning of the names that `${!AWS_*}` stands for. */
function listedPrefix(part: SyntaxNode): string | null {
  if (part.type !== "ParameterExpansion" || part.operation?.type !== "Names") return null;
  return part.parameter;
}

function writesToFile(node: Command): boolean {
  return node.redirects.some(
    (redirect) =>
      redirect.type === "Redirect" &&
      redirect.operator.includes(">") &&
      !/^(\/dev\/(std(out|err)|tty)|\d|)$/.test(redirect.target?.value ?? ""),
  );
}

function textOf(node: CommandNode | ParsedScript): string {
  if (node.type !== "Command") return "";
  return [node.name?.value, ...node.args.map((arg) => (arg.type === "Word" ? arg.value : ""))].join(
    " ",
  );
}
