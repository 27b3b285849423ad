// Prints how long the files, functions and classes of each package are, in lines: median, 90th percentile, longest.
// With --list N also the N longest of each kind. Tests are counted with the package `test` only.
import { readFileSync, readdirSync } from "node:fs";

import { Visitor, parseSync } from "oxc-parser";

const root = new URL("..", import.meta.url).pathname;
const at = process.argv.indexOf("--list");
const listed = at === -1 ? 0 : Number(process.argv[at + 1] ?? 10);
const print = (line) => process.stdout.write(`${line}\n`);

const packages = [...readdirSync(`${root}packages`).map((name) => `packages/${name}`), "test"];
const longest = { files: [], functions: [], classes: [] };
print("package             files  median  p90  max   functions  median  p90  max   classes  max");
for (const name of packages) {
  const found = { files: [], functions: [], classes: [] };
  for (const file of sourcesOf(`${name}/src`, name === "test")) measure(file, found);
  for (const kind of Object.keys(longest)) longest[kind].push(...found[kind]);
  const [files, functions, classes] = [found.files, found.functions, found.classes].map(summarize);
  print(
    [
      name.padEnd(18),
      ...[files.count, files.median, files.p90, files.max].map((n, i) => pad(n, [6, 8, 5, 5][i])),
      ...[functions.count, functions.median, functions.p90, functions.max].map((n, i) =>
        pad(n, [12, 8, 5, 5][i]),
      ),
      ...[classes.count, classes.max].map((n, i) => pad(n, [10, 5][i])),
    ].join(""),
  );
}
for (const [kind, all] of Object.entries(longest)) {
  const top = all.toSorted((a, b) => b.lines - a.lines).slice(0, listed);
  if (top.length > 0) print(`\nlongest ${kind}:`);
  for (const { lines, place } of top) print(`${pad(lines, 5)}  ${place}`);
}

function sourcesOf(directory, withTests) {
  return readdirSync(`${root}${directory}`, { recursive: true })
    .filter((path) => path.endsWith(".ts"))
    .filter((path) => withTests || !/\.(test|test-support)\.ts$/.test(path))
    .map((path) => `${directory}/${path}`)
    .toSorted();
}

function measure(file, found) {
  const text = readFileSync(`${root}${file}`, "utf8");
  const lineStarts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1))
    lineStarts.push(end + 1);
  const lineOf = (offset) => lineStarts.findLastIndex((start) => start <= offset) + 1;
  const add = (list, node) => {
    const [first, last] = [lineOf(node.start), lineOf(node.end)];
    list.push({ lines: last - first + 1, place: `${file}:${first}` });
  };
  found.files.push({ lines: lineStarts.length - 1, place: file });
  const onFunction = (node) => {
    if (node.body?.type === "BlockStatement") add(found.functions, node);
  };
  const onClass = (node) => add(found.classes, node);
  new Visitor({
    FunctionDeclaration: onFunction,
    FunctionExpression: onFunction,
    ArrowFunctionExpression: onFunction,
    ClassDeclaration: onClass,
    ClassExpression: onClass,
  }).visit(parseSync(file, text).program);
}

function summarize(list) {
  const lines = list.map((one) => one.lines).toSorted((a, b) => a - b);
  const quantile = (part) =>
    lines[Math.min(lines.length - 1, Math.floor(lines.length * part))] ?? 0;
  return { count: lines.length, median: quantile(0.5), p90: quantile(0.9), max: lines.at(-1) ?? 0 };
}

function pad(number, width) {
  return String(number).padStart(width);
}
