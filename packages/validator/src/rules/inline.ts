import type { CommandRule, Found } from "./report.js";

const INTERPRETERS =
  /^(python[\d.]*|pypy\d?|perl|ruby|node|nodejs|php|lua\d*|Rscript|R|tclsh|julia|deno|bun)$/;
const CODE_OPTIONS = ["-c", "-e", "-E", "-r", "--eval", "-p", "--print"];

const CONNECTS =
  /socket\b[^]*\.connect|connect\(|Socket\(|fsockopen|TCPSocket|net\.(connect|createConnection)|IO::Socket|socket\.create_connection/;
const GIVES_AWAY =
  /dup2|pty\.spawn|subprocess|os\.system|exec|spawn|popen|\/bin\/(ba)?sh|child_process|open\(STDIN/;
const STARTS =
  /\b(os\.system|subprocess|pty\.spawn|os\.popen|os\.exec\w*|child_process|exec\s*\(|system\s*\(|system\s+["']|popen|shell_exec|passthru|proc_open|socket\.socket|IO\.popen|Kernel\.exec)/;
const DESTROYS =
  /(rmtree|rimraf|remove_tree|rm_rf|unlinkSync|rmSync)\s*\(?\s*["'](\/|~|\/(etc|home|usr|var|root|bin|boot|lib))\/?["']/;

/** Code of another language that stands in the script. */
export const inlineRules: CommandRule = ({ name, args }, found) => {
  if (!INTERPRETERS.test(name)) return;
  const at = args.findIndex((arg) => CODE_OPTIONS.includes(arg));
  const code = args[at + 1];
  if (at !== -1 && code !== undefined) checkCode(name, code, found);
};

export function isInterpreter(name: string): boolean {
  return INTERPRETERS.test(name);
}

export function checkCode(name: string, code: string, found: Found): void {
  if (DESTROYS.test(code))
    found("DEL-SYSDIR", `the ${name} code deletes directories of the system`);
  if (CONNECTS.test(code) && GIVES_AWAY.test(code))
    found("INLINE-NET", `the ${name} code connects a process to the network`);
  else if (STARTS.test(code))
    found("INLINE-EXEC", `the ${name} code starts processes or opens sockets`);
}

/** The commands that inline code hands to a shell, as far as they stand there as text. */
export function shellTextsIn(code: string): string[] {
  const calls = code.matchAll(
    /(?:os\.system|os\.popen|system|exec|popen|getoutput|check_output|call|run|shell_exec|passthru|execSync|spawnSync)\s*\(?\s*(?:f|r)?(["'`])((?:\\.|(?!\1).)*)\1/g,
  );
  return [...calls].map(([, , text = ""]) => text.replace(/\\(["'`\\])/g, "$1"));
}
