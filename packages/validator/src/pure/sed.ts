import { BudgetExceeded } from "../budget.js";

/** Characters that are edited: searching a line takes the square of its length. */
const MAX_INPUT = 50_000;

type Edit = (line: string) => string;

/** What sed prints, for scripts of plain `s` and `y` commands; null for all others. */
export function sedOutput(args: readonly string[], input: string): string | null {
  const extended = args.some((arg) => /^-(E|r)$/.test(arg));
  const rest = args.filter((arg) => !/^(-E|-r|-e|--expression)$/.test(arg));
  if (rest.some((arg) => arg.startsWith("-")) || rest.length === 0) return null;
  if (input.length > MAX_INPUT)
    throw new BudgetExceeded(`sed is given more than ${MAX_INPUT} characters`);
  const scripts = args.includes("-e") ? rest : rest.slice(0, 1);
  if (scripts.length !== rest.length) return null;
  const edits: Edit[] = [];
  for (const script of scripts) {
    const found = editsIn(script, extended);
    if (found === null) return null;
    edits.push(...found);
  }
  return input
    .split("\n")
    .map((line) => edits.reduce((text, edit) => edit(text), line))
    .join("\n");
}

function editsIn(script: string, extended: boolean): Edit[] | null {
  const edits: Edit[] = [];
  for (let rest = script.replace(/^[\s;]+/, ""); rest !== "";) {
    const [command = "", delimiter = ""] = rest;
    if (!/[sy]/.test(command) || !/[^\w\s\\]/.test(delimiter)) return null;
    const first = until(rest, 2, delimiter);
    const second = first === null ? null : until(rest, first.next, delimiter);
    if (first === null || second === null) return null;
    const flags = /^[gI]*/.exec(rest.slice(second.next))?.[0] ?? "";
    const edit =
      command === "y"
        ? transliteration(first.text, second.text)
        : substitution(first.text, second.text, flags, extended);
    if (edit === null) return null;
    edits.push(edit);
    const after = rest.slice(second.next + flags.length);
    if (!/^\s*([;\n]|$)/.test(after)) return null;
    rest = after.replace(/^[\s;]+/, "");
  }
  return edits;
}

/** What stands before the next delimiter that has no backslash. */
function until(
  script: string,
  start: number,
  delimiter: string,
): { readonly text: string; readonly next: number } | null {
  let text = "";
  for (let at = start; at < script.length; at += 1) {
    const char = script[at] ?? "";
    if (char === delimiter) return { text, next: at + 1 };
    if (char === "\\" && script[at + 1] === delimiter) at += 1;
    else if (char === "\\") {
      text += char;
      at += 1;
    }
    text += script[at] ?? "";
  }
  return null;
}

function transliteration(from: string, to: string): Edit | null {
  if (from.length !== to.length || /\\/.test(from + to)) return null;
  return (line) => [...line].map((char) => to[from.indexOf(char)] ?? char).join("");
}

function substitution(from: string, to: string, flags: string, extended: boolean): Edit | null {
  const source = patternOf(from, extended);
  if (source === null || source === "") return null;
  const pattern = new RegExp(source, flags.replace("I", "i"));
  return (line) =>
    line.replace(pattern, (...matched: (string | undefined)[]) =>
      to.replace(/\\([\s\S])|&/g, (whole, char?: string) => {
        if (whole === "&") return matched[0] ?? "";
        if (char !== undefined && /\d/.test(char)) return matched[Number(char)] ?? "";
        return char === "n" ? "\n" : (char ?? "");
      }),
    );
}

/** A pattern with at most one repetition, as a regular expression; null where it has more. */
function patternOf(pattern: string, extended: boolean): string | null {
  if (/\\[^\w\s]{0,3}[1-9<>bwWsS]|\[[^\][\\]*[[\\]/.test(pattern)) return null;
  let repetitions = 0;
  const source = pattern.replace(/\[\^?\]?[^\]]{0,200}\]|\\[\s\S]|[\s\S]/g, (piece, at: number) => {
    if (piece.startsWith("[")) return piece;
    const bare = piece.startsWith("\\") ? (piece[1] ?? "") : piece;
    const isSpecial = piece.startsWith("\\") !== extended;
    if (/[*]/.test(piece) || (/[+?{]/.test(bare) && isSpecial)) repetitions += 1;
    if (piece === "*") return at === 0 ? "\\*" : "*";
    if (/^[.^$]$/.test(piece)) return piece;
    if (/[(){}+?|]/.test(bare)) return isSpecial ? bare : `\\${bare}`;
    return bare.replace(/[\\^$.*[\]/-]/, "\\$&");
  });
  if (repetitions > 1) return null;
  try {
    return new RegExp(source).source;
  } catch {
    return null;
  }
}
