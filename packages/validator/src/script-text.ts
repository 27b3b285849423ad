import { withoutMarkers } from "./characters.js";
import type { Finding } from "./findings.js";
import { LIMITS } from "./limits.js";
import type { RuleId } from "./rules/index.js";
import { ruleOf } from "./rules/registry.js";

/** The text of a script as it is analysed, and what there is to say of it as a whole. */
export interface ScriptText {
  /** Null when it cannot be analysed; every character stands where it does in the file. */
  readonly text: string | null;
  readonly findings: readonly Finding[];
}

/** Decodes a file, and looks at what it is. */
export function readScriptText(content: Uint8Array): ScriptText {
  const refused = (rule: RuleId, message: string): ScriptText => ({
    text: null,
    findings: [wholeFile(rule, message)],
  });
  if (content.length > LIMITS.scriptBytes) return refused("SIZE", TOO_LARGE);
  let text: string;
  try {
    // A byte order mark stays: it is part of the first word for bash.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return refused("ENCODING", "it is not UTF-8");
  }
  if (text.includes("\0")) return refused("ENCODING", "it has a NUL character");
  const findings: Finding[] = [];
  const interpreter = interpreterOf(text);
  if (interpreter !== null && !/(^|\/)(ba|da)?sh$/.test(interpreter))
    findings.push(wholeFile("SHEBANG", `its first line names ${interpreter}`));
  const pos = text.indexOf("\r\n");
  if (pos !== -1)
    findings.push({ ...wholeFile("CRLF", "its lines end in CR LF"), pos, end: pos + 1 });
  return { text: withoutMarkers(text).replaceAll("\r\n", " \n"), findings };
}

export const TOO_LARGE = `it, or all scripts of the job together, have more than ${LIMITS.scriptBytes} bytes`;

/** A finding about a file as a whole. */
export function wholeFile(rule: RuleId, message: string): Finding {
  const { severity } = ruleOf(rule);
  return { rule, severity, message, pos: 0, end: 0, resolved: "", trace: [] };
}

/** The program that the first line names, or the one that it hands to `env`; null when there is none. */
function interpreterOf(text: string): string | null {
  if (!text.startsWith("#!")) return null;
  const end = text.indexOf("\n");
  const line = text.slice(2, Math.min(end === -1 ? text.length : end, MAX_FIRST_LINE));
  const [program, argument] = line.trim().split(/\s+/);
  return (program?.endsWith("/env") === true ? argument : program) ?? null;
}

const MAX_FIRST_LINE = 1000;
