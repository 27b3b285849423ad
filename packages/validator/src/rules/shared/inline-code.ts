import { bounded } from "../../bounded.js";
import type { Found } from "../report.js";
import { connects, connectsProcess } from "./network-code.js";

const INTERPRETERS =
  /^(python[\d.]*|pypy\d?|perl[\d.]*|ruby[\d.]*|node|nodejs|php[\d.]*|lua[\d.]*|luajit|Rscript|R|tclsh[\d.]*|julia|deno|bun|ipython\d?|octave|matlab|gnuplot|expect|gdb|emacs)$/;
const CODE_OPTION =
  /^(-c|-e|-E|-r|-l?[pn]?[ie]+|-[a-zA-Z]*e|--eval|--execute|--exec|-p|--print|--command|-ex|-batch|-le|-ne|-pe)$/;

const STARTS =
  /\b(os\.system|subprocess|pty\.spawn|os\.popen|os\.exec\w*|os\.execute|io\.popen|child_process|exec\s*\(|system2?\s*\(|system\s+["']|popen|shell_exec|passthru|proc_open|IO\.popen|Kernel\.exec|__import__)|\brun\s*\(\s*`/;
const DESTROYS =
  /(rmtree|rimraf|remove_tree|rm_rf|rm_r|unlinkSync|rmSync|unlink\s+glob|FileUtils\.rm\w*|unlink|os\.remove|file\.remove)\s*\(?\s*["'](\/|~|\/(etc|home|usr|var|root|bin|boot|lib)(\/[^"']*)?)\/?["']/;
const FORKS_ON =
  /while\s*\(?\s*(True|1|fork|true)\s*\)?\s*[:{]?[^]{0,80}\bfork\b|\bfork\s+while\b|loop\s*(\{|do)\s*\{?\s*fork|\bfork\b[^]{0,40}\bwhile\s+(True|1)\b/;
const FETCHES =
  /urllib\d?\.|\burlopen\b|urlretrieve|\brequests\.(get|post|put|Session)|\bhttpx\.|aiohttp|ftplib|LWP::|HTTP::Tiny|open-uri|URI\.open|Net::HTTP|file_get_contents\s*\(\s*["'](https?|ftp):|\bcurl_init|\bfetch\s*\(\s*["'`]https?:|require\(\s*["']https?["']\s*\)|download\.file\s*\(|socket\.http|http\.client|smtplib|paramiko|Downloads\.download|\bdownload\s*\(\s*["']https?:/;
const SENDS =
  /requests\.(post|put)|\bdata\s*=\s*(?!None)|smtplib|method\s*[:=]\s*["'](POST|PUT)|\.post\s*\(/;
/** Not `model.eval()`, `re.compile(...)`, nor perl's `eval { ... }`. */
const RUNS_TEXT =
  /(?<![.\w])eval\b(?!\s*[{]|\s*\(\s*\))|(?<![.\w])(exec|compile|instance_eval|loadstring|load)\s*\(/;
const DECODES =
  /b64decode|base64|fromhex|unhexlify|codecs\.decode|rot13|zlib|marshal|\b(un)?pack1?\s*\(?\s*["'][Hm]|decode64|atob\s*\(|Buffer\.from\s*\([^)]*(base64|hex)/;
/** Where text between backticks is a command. */
const BACKTICKS_RUN = /^(perl|ruby|php|julia)/;
const READS_ENVIRONMENT =
  /os\.environ\b(?!\s*[[.])|%ENV\b|process\.env\b(?!\s*[[.])|Sys\.getenv\(\)/;

export function isInterpreter(name: string): boolean {
  return INTERPRETERS.test(name);
}

/** Code that is given to an interpreter as an option. */
export function codeOptions(name: string, args: readonly string[]): string[] {
  if (!isInterpreter(name)) return [];
  return args.flatMap((arg, at) => {
    const joined = /^--(?:eval|execute|exec|command)=([^]*)$/.exec(arg)?.[1];
    if (joined !== undefined) return [joined];
    return CODE_OPTION.test(arg) ? [args[at + 1] ?? ""] : [];
  });
}

/** What another language's code, that stands in the script, does. */
export function checkCode(name: string, given: string, found: Found): void {
  if (given === "") return;
  const code = bounded(given);
  if (DESTROYS.test(code)) found("DEL-SYSDIR", `the ${name} code deletes files of the system`);
  if (FORKS_ON.test(code)) found("RES-FORKBOMB", `the ${name} code starts processes without end`);
  if (/\bset(e|re|res)?[ug]id\s*\(\s*0/.test(code))
    found("PRIV-CMD", `the ${name} code becomes another user`);
  const fetches = FETCHES.test(code);
  if (RUNS_TEXT.test(code) && fetches)
    found("EXEC-NET-PIPE", `the ${name} code runs what it fetches`);
  else if (RUNS_TEXT.test(code) && DECODES.test(code))
    found("EXEC-DYN-CODE", `the ${name} code runs what it decodes`);
  if (connectsProcess(code))
    found("INLINE-NET", `the ${name} code connects a process to the network`);
  else if (connects(code)) found("NET-RAW", `the ${name} code opens a connection`, "warning");
  else if (/\/inet\/(tcp|udp)\//.test(code))
    found("NET-RAW", `the ${name} code opens a connection`);
  else if (STARTS.test(code)) found("INLINE-EXEC", `the ${name} code starts processes`);
  if (fetches) {
    if (READS_ENVIRONMENT.test(code))
      found("SECRET-EXFIL", `the ${name} code sends the environment away`);
    if (SENDS.test(code)) found("NET-UPLOAD", `the ${name} code sends data away`);
    found("NET-FETCH", `the ${name} code fetches from the network`);
  }
  if (/\bimport docker\b|docker\.from_env/.test(code))
    found("ESC-CTRCTL", `the ${name} code controls containers`);
  if (/install\.packages\s*\(|BiocManager::install|install_github|Pkg\.add/.test(code))
    found("NET-INSTALL", `the ${name} code installs packages`);
}

/** The commands that inline code hands to a shell, as far as they stand there as text. */
export function shellTextsIn(name: string, given: string): string[] {
  const code = bounded(given);
  const calls = code.matchAll(
    /(?:os\.system|os\.popen|os\.execute|io\.popen|system2?|exec\w*|popen|Popen|getoutput|getstatusoutput|check_output|check_call|call|run|shell_exec|passthru|execSync|spawnSync|spawn|shell|cmd)\s*\(?\s*(?:f|r|b)?(["'`])((?:\\[^\n]|(?!\1)[^\\\n])*)\1(?:\s*,\s*(["'])((?:\\[^\n]|(?!\3)[^\\\n])*)\3)?/g,
  );
  const texts = [...calls].map(([, , text = "", , more = ""]) => unescaped(`${text} ${more}`));
  const lists = code.matchAll(
    /(?:Popen|check_output|check_call|call|run|spawn\w*|execFile\w*|exec\w*|system)\s*\(\s*(?:(["'])([^"']*)\1\s*,\s*)?\[([^\]]*)\]/g,
  );
  for (const [, , program = "", list = ""] of lists) {
    const words = [...list.matchAll(/(["'])((?:\\[^\n]|(?!\1)[^\\\n])*)\1/g)].map(
      ([, , word = ""]) => word,
    );
    texts.push(unescaped([program, ...words].join(" ").trim()));
  }
  if (BACKTICKS_RUN.test(name)) {
    for (const [, ticks, braces] of code.matchAll(/`([^`$]+)`|(?:%x|qx)\s*[({[/]([^)}\]/]+)/g))
      texts.push(ticks ?? braces ?? "");
  }
  // Code within code.
  const inner = texts.filter((text) => text !== code && /\b(system|subprocess|popen)\b/.test(text));
  return [...texts, ...inner.flatMap((text) => shellTextsIn(name, text))];
}

function unescaped(text: string): string {
  return text.replace(/\\(["'`\\])/g, "$1").trim();
}
