import { readFile } from "node:fs/promises";

/** A heap snapshot as V8 writes it: the nodes are rows of numbers, one after the other. */
interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Types of nodes that the program makes; the others are V8's own. */
const OF_THE_PROGRAM = ["object", "closure", "array", "string", "concatenated string", "native"];

/** How many objects a snapshot holds, by what they are: `object Map`, `string`. */
export async function countObjects(path: string): Promise<Map<string, number>> {
  const { snapshot, nodes, strings } = JSON.parse(await readFile(path, "utf8")) as HeapSnapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [typeAt, nameAt] = [fields.indexOf("type"), fields.indexOf("name")];
  const counts = new Map<string, number>();
  for (let row = 0; row < nodes.length; row += fields.length) {
    const type = types[0][nodes[row + typeAt] ?? 0] ?? "";
    if (!OF_THE_PROGRAM.includes(type)) continue;
    // A string's name is its text.
    const name = type.endsWith("string") ? "" : ` ${strings[nodes[row + nameAt] ?? 0]}`;
    counts.set(`${type}${name}`, (counts.get(`${type}${name}`) ?? 0) + 1);
  }
  return counts;
}

export interface Growth {
  readonly what: string;
  readonly before: number;
  readonly after: number;
}

/** What there are at least so many more of, the strongest growth first. */
export function growthBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  atLeast: number,
): Growth[] {
  return [...after]
    .map(([what, count]) => ({ what, before: before.get(what) ?? 0, after: count }))
    .filter((growth) => growth.after - growth.before >= atLeast)
    .sort((a, b) => b.after - b.before - (a.after - a.before));
}
