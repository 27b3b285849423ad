import { readFileSync, readdirSync } from "node:fs";

const ROOT = new URL("../samples/", import.meta.url);

/** Scripts that a research group might submit, by the name of their file. */
export function honestSamples(): Map<string, string> {
  return new Map(filesOf("honest").map((name) => [name, read(`honest/${name}`)]));
}

/** Scripts that must be refused, by the name of their file: a family, or a way to disguise a command. */
export function attackSamples(): Map<string, string[]> {
  return blocksOf("attacks");
}

/** Scripts that are worth a word, and accepted, by the rule that they break. */
export function doubtfulSamples(): Map<string, string[]> {
  return blocksOf("doubtful");
}

/** Files of several scripts, with lines of four # between them. */
function blocksOf(directory: string): Map<string, string[]> {
  return new Map(
    filesOf(directory).map((name) => [
      name.replace(/\.txt$/, ""),
      read(`${directory}/${name}`)
        .split(/^####\n/m)
        .map((script) => script.replace(/\n$/, "")),
    ]),
  );
}

function filesOf(directory: string): string[] {
  return readdirSync(new URL(`${directory}/`, ROOT)).toSorted();
}

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}
