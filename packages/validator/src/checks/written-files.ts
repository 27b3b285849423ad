import { UNKNOWN, isKnown, readable } from "../characters.js";
import { recipes } from "../embedded.js";
import type { Origin, Place } from "../origin.js";
import { parseBash, type Command, type CommandNode, type Redirection } from "../parse.js";
import { normalizePath } from "../paths.js";
import { evaluatePipe } from "../pure-output.js";
import { DECODERS, FETCHERS } from "../rules/data/text-sources.js";
import { compiledSources } from "../rules/shared/compiled-sources.js";
import { checkCode, isInterpreter, shellTextsIn } from "../rules/shared/inline-code.js";
import { fillsDisk } from "../rules/shared/sizes.js";
import { minerText } from "../rules/shared/miner.js";
import { operands, type Found } from "../rules/report.js";
import type { Scene, Use } from "../scene.js";
import { commandsIn, isInput, targetOf } from "../tree.js";
import { downloadedFile, isShellScript } from "../written-files.js";
import { filesRunBy, type RunFile } from "./run-files.js";

/** Something that is written to a file. */
interface Piece {
  /** Null where it does not follow from the script. */
  readonly text: string | null;
  readonly from: "text" | "network" | "decoder";
  readonly appends: boolean;
  readonly node: Place & { readonly type: Command["type"] | "Redirected" };
  readonly origin: Origin;
}

/** Files that a script writes and files that it runs; which are both is known when it is all read. */
export class WrittenFiles {
  /** Paths of scripts that the script runs, as it names them. */
  readonly calledScripts = new Set<string>();
  readonly #scene: Scene;
  readonly #pieces = new Map<string, Piece[]>();
  readonly #run = new Map<string, RunFile[]>();
  /** Files that are made from others: by `cp`, `mv`, `ln`, or by what a command prints of them. */
  readonly #sources = new Map<string, Set<string>>();
  /** Files that are open, by descriptor. */
  readonly #open = new Map<string, string>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** The file that a descriptor stands for, and other paths as they are. */
  fileOf(target: string): string {
    return this.#open.get(target) ?? target;
  }

  /** Remembers the files that a command runs. */
  rememberRun(use: Use): void {
    for (const path of compiledSources(use.invocation))
      this.runs({ path, as: "code", isNamed: true });
    for (const file of filesRunBy(use)) {
      const { path, as, isNamed } = file;
      const isScript = as === "shell" || /^(\.\/|[\w.-]+\/)/.test(path);
      if (isNamed && as !== "code" && isScript) this.calledScripts.add(path);
      this.runs(file);
    }
  }

  runs(file: RunFile): void {
    const path = normalizePath(file.path);
    if (!isFile(path)) return;
    this.#run.set(path, [...(this.#run.get(path) ?? []), file]);
  }

  /** Remembers the files that a command writes, and what it writes into them. */
  remember(use: Use): void {
    const { invocation, node, input, origin, found } = use;
    const { name, args } = invocation;
    if (name === "exec") this.#openFiles(node.redirects);
    if (/^(cp|mv|ln|install)$/.test(name)) this.#copy(operands(args));
    const download = downloadedFile(name, args);
    if (download !== null)
      this.#add(download, { text: null, from: "network", appends: false, node, origin });
    const files = this.#filesOf(use);
    if (files.length === 0) return;
    const text =
      /^(cat|tee|dd)$/.test(name) && input.text !== null
        ? input.text
        : evaluatePipe([...input.before, node], this.#scene.resolver);
    const pipe = [...input.upstream, name];
    const decodes = pipe.some((other) => DECODERS.has(other) && !isInterpreter(other));
    const fetches = pipe.some((other) => FETCHERS.has(other));
    const from = fetches ? "network" : text === null && decodes ? "decoder" : "text";
    for (const { path, appends } of files) {
      this.#add(path, { text: fetches ? null : text, from, appends, node, origin });
      if (text === null) this.#copy([...operands(args), path]);
    }
    const reads = node.redirects.filter(isInput).flatMap(targetOf);
    const read = reads.flatMap((word) => this.#scene.resolver.word(word));
    if (fillsDisk(invocation, input.upstream, read))
      found("RES-DISKFILL", `${name} writes without end`);
    if (text !== null && minerText(text)) found("MINE-POOL", "the text belongs to a miner");
  }

  /** Remembers what a group or a loop as a whole writes. */
  rememberGroup(
    node: Place & { readonly command: CommandNode; readonly redirects: readonly Redirection[] },
    origin: Origin,
  ): void {
    const files = this.#targetsOf(node.redirects);
    if (files.length === 0) return;
    const { resolver } = this.#scene;
    const text =
      evaluatePipe([node.command], resolver) ??
      commandsIn(node.command)
        .map((command) => evaluatePipe([command], resolver) ?? `${UNKNOWN}\n`)
        .join("");
    const { pos, end } = node;
    for (const { path, appends } of files)
      this.#add(path, {
        text,
        from: "text",
        appends,
        node: { type: "Redirected", pos, end },
        origin,
      });
  }

  /** Looks at the files that the script runs, and at those that are plainly meant to be run. */
  check(): void {
    this.#followSources();
    for (const [path, pieces] of this.#pieces) {
      const runs = this.#run.get(path) ?? [];
      for (const { from, node, origin } of runs.length > 0 ? pieces : []) {
        const message = `${readable(path)} is ${from === "network" ? "fetched" : "decoded"} and then run`;
        const rule = from === "network" ? "EXEC-NET-FILE" : "EXEC-PIPE-SHELL";
        if (from !== "text") this.#scene.report(origin, node, { rule, message, resolved: path });
      }
      for (const version of versions(pieces)) this.#checkVersion(path, version, runs);
    }
  }

  #checkVersion(path: string, pieces: readonly Piece[], runs: readonly RunFile[]): void {
    const apart = pieces.every(({ text }) => text === null || standsAlone(text));
    const [first] = pieces;
    if (apart) {
      for (const piece of pieces) if (piece.text !== null) this.#checkText(path, piece, runs);
    } else if (first !== undefined) {
      const text = pieces.map((piece) => piece.text ?? `${UNKNOWN}\n`).join("");
      this.#checkText(path, { ...first, text }, runs);
    }
  }

  #checkText(path: string, { text, node, origin }: Piece, runs: readonly RunFile[]): void {
    if (text === null) return;
    const scene = this.#scene;
    const trace = [{ kind: "embedded", name: path }] as const;
    const place = node as Command;
    if (/(^|\/)(GNU)?[Mm]akefile$|\.mk$/.test(path))
      return scene.embed(recipes(text).join("\n"), trace, place, origin);
    const isProgram = runs.some(({ as }) => as === "program") && !/\.\w+$/.test(path);
    const byShell = runs.some(({ as }) => as === "shell");
    if (byShell || isShellScript(path, text) || (isProgram && !/^#!/.test(text))) {
      const isRun = byShell && runs.every(({ isNamed }) => isNamed);
      return scene.embed(text, trace, place, origin, { isRun });
    }
    if (runs.length === 0) return;
    const dangerous: Found = (rule, message, severity) => {
      if (rule === "INLINE-NET" || rule === "EXEC-NET-PIPE" || rule.startsWith("DEL-"))
        scene.report(origin, node, { rule, message, resolved: path, severity });
    };
    checkCode(path, text, dangerous);
    for (const command of shellTextsIn(path, text)) scene.embed(command, trace, place, origin);
  }

  /** What is made from a file that is run runs it too. */
  #followSources(): void {
    // A map that is added to while it is walked hands out what is new as well.
    for (const [path, runs] of this.#run)
      for (const source of this.#sources.get(path) ?? [])
        if (!this.#run.has(source))
          this.#run.set(
            source,
            runs.map((run) => ({ ...run, isNamed: false })),
          );
  }

  #copy(paths: readonly string[]): void {
    const target = normalizePath(paths.at(-1) ?? "");
    const sources = this.#sources.get(target) ?? new Set();
    for (const source of paths.slice(0, -1)) {
      sources.add(normalizePath(source));
      // Into a directory, under its own name.
      this.#sources.set(
        `${target}/${source.split("/").at(-1) ?? ""}`,
        new Set([normalizePath(source)]),
      );
    }
    this.#sources.set(target, sources);
  }

  #openFiles(redirects: readonly Redirection[]): void {
    for (const redirect of redirects) {
      if (redirect.type !== "Redirect" || redirect.descriptor === undefined || !redirect.target)
        continue;
      const [path = ""] = this.#scene.resolver.word(redirect.target);
      if (isKnown(path)) {
        const { descriptor } = redirect;
        this.#open.set("value" in descriptor ? String(descriptor.value) : descriptor.name, path);
      }
    }
  }

  #filesOf({ invocation: { name, args }, node }: Use): { path: string; appends: boolean }[] {
    const targets = this.#targetsOf(node.redirects);
    if (name === "tee") {
      const appends = args.some((arg) => /^(-\w*a|--append)/.test(arg));
      return [...targets, ...operands(args).map((path) => ({ path, appends }))];
    }
    if (name !== "dd") return targets;
    const outputs = args.filter((arg) => arg.startsWith("of="));
    return [...targets, ...outputs.map((arg) => ({ path: arg.slice(3), appends: false }))];
  }

  #targetsOf(redirects: readonly Redirection[]): { path: string; appends: boolean }[] {
    return redirects.flatMap((redirect) => {
      if (redirect.type !== "Redirect" || redirect.target === undefined) return [];
      if (!/^(&?>[>|]?|>&)$/.test(redirect.operator)) return [];
      const appends = redirect.operator.includes(">>") || redirect.operator === ">&";
      const name = /^\$\{?(\w+)\}?$/.exec(redirect.target.text)?.[1];
      return this.#scene.resolver
        .word(redirect.target)
        .map((path) => ({ path: this.#open.get(name ?? path) ?? path, appends }));
    });
  }

  #add(path: string, piece: Piece): void {
    const normal = normalizePath(path);
    if (!isFile(normal)) return;
    this.#pieces.set(normal, [...(this.#pieces.get(normal) ?? []), piece]);
  }
}

/** Not a descriptor, a device or an option. */
function isFile(path: string): boolean {
  return !/^(-|\d*$|&|\/dev\/(?!shm\/))/.test(path);
}

/** What a file holds one time after the other: what is appended belongs to what was there. */
function versions(pieces: readonly Piece[]): Piece[][] {
  const all: Piece[][] = [];
  for (const piece of pieces) {
    const last = all.at(-1);
    if (piece.appends && last !== undefined) last.push(piece);
    else all.push([piece]);
  }
  return all;
}

/** Whether what comes before and after a text does not change what it means. */
function standsAlone(text: string): boolean {
  return /[^\\]\n$/.test(text) && parseBash(text).problem === null;
}
