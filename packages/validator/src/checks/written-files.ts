import { isKnown, readable } from "../characters.js";
import { recipes } from "../embedded.js";
import type { Origin } from "../origin.js";
import type { Command } from "../parse.js";
import { normalizePath } from "../paths.js";
import { evaluatePipe } from "../pure-output.js";
import { DECODERS, FETCHERS } from "../rules/evaluated.js";
import { fillsDisk } from "../rules/fork-bomb.js";
import type { RuleId } from "../rules/index.js";
import { checkCode, isInterpreter } from "../rules/inline.js";
import { minerText } from "../rules/miner.js";
import type { Found } from "../rules/report.js";
import type { Scene, Use } from "../scene.js";
import type { Invocation } from "../unwrap.js";
import { downloadedFile, isShellScript } from "../written-files.js";
import { runsScripts } from "./evaluation.js";

/** A file that the script writes, and may run. */
interface WrittenFile {
  readonly path: string;
  readonly text: string | null;
  readonly from: "text" | "network" | "decoder";
  readonly node: Command;
  readonly origin: Origin;
}

/** Files that a script writes and files that it runs; which are both is known when it is all read. */
export class WrittenFiles {
  /** Paths of scripts that the script runs, as it names them. */
  readonly calledScripts = new Set<string>();
  readonly #scene: Scene;
  readonly #written: WrittenFile[] = [];
  readonly #executed = new Set<string>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Remembers the file that a command runs. */
  rememberRun({ name, program, args }: Invocation): void {
    if (runsScripts(name) || isInterpreter(name)) {
      const script = args.find((arg) => !arg.startsWith("-"));
      if (script === undefined || !isKnown(script)) return;
      if (!isInterpreter(name)) this.calledScripts.add(script);
      this.#executed.add(normalizePath(script));
    } else if (program.includes("/") && isKnown(program)) {
      if (/^(\.\/|[\w.-]+\/)/.test(program)) this.calledScripts.add(program);
      this.#executed.add(normalizePath(program));
    }
  }

  /** Remembers the files that a command writes, and what it writes into them. */
  remember(use: Use): void {
    const { name, args } = use.invocation;
    const download = downloadedFile(name, args);
    if (download !== null) this.#add(download, null, "network", use);
    const files = this.#filesOf(use);
    if (files.length === 0) return;
    const { input, found } = use;
    const text =
      /^(cat|tee)$/.test(name) && input.text !== null
        ? input.text
        : evaluatePipe([...input.before, use.node], this.#scene.resolver);
    const pipe = [...input.upstream, name];
    for (const file of files) {
      if (pipe.some((other) => FETCHERS.has(other))) this.#add(file, null, "network", use);
      else if (text === null && pipe.some((other) => DECODERS.has(other) && !isInterpreter(other)))
        this.#add(file, null, "decoder", use);
      else if (text !== null) this.#add(file, text, "text", use);
    }
    if (fillsDisk(use.invocation, input.upstream))
      found("RES-DISKFILL", `${name} writes without end`);
    if (text !== null && minerText(text)) found("MINE-POOL", "the text belongs to a miner");
  }

  /** Looks at the files that the script runs, and at those that are plainly meant to be run. */
  check(): void {
    for (const file of this.#written) {
      const { path, text, from, node, origin } = file;
      const isRun = this.#executed.has(path);
      const report = (rule: RuleId, message: string): void =>
        this.#scene.report(origin, node, { rule, message, resolved: path });
      if (from === "network" && isRun)
        report("EXEC-NET-FILE", `${readable(path)} is fetched and then run`);
      if (from === "decoder" && isRun)
        report("EXEC-PIPE-SHELL", `${readable(path)} is decoded and then run`);
      if (text !== null) this.#checkText({ ...file, text }, isRun);
    }
  }

  #checkText({ path, text, node, origin }: WrittenFile & { text: string }, isRun: boolean): void {
    const trace = [{ kind: "embedded", name: path }] as const;
    if (/(^|\/)(GNU)?[Mm]akefile$|\.mk$/.test(path)) {
      for (const line of recipes(text)) this.#scene.embed(line, trace, node, origin);
    } else if (isShellScript(path, text) || (isRun && !/^#!/.test(text) && !/\.\w+$/.test(path)))
      this.#scene.embed(text, trace, node, origin);
    else if (isRun) {
      const dangerous: Found = (rule, message, severity) => {
        if (rule === "INLINE-NET" || rule === "EXEC-NET-PIPE" || rule.startsWith("DEL-"))
          this.#scene.report(origin, node, { rule, message, resolved: path, severity });
      };
      checkCode(path, text, dangerous);
    }
  }

  #filesOf({ invocation: { name, args }, node }: Use): string[] {
    const targets = node.redirects.flatMap((redirect) =>
      redirect.type === "Redirect" && /^&?>[>|]?$/.test(redirect.operator) && redirect.target
        ? this.#scene.resolver.word(redirect.target)
        : [],
    );
    return name === "tee" ? [...targets, ...args.filter((arg) => !arg.startsWith("-"))] : targets;
  }

  #add(path: string, text: string | null, from: WrittenFile["from"], use: Use): void {
    const { node, origin } = use;
    this.#written.push({ path: normalizePath(path), text, from, node, origin });
  }
}
