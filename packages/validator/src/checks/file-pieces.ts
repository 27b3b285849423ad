import type { Origin, Place } from "../origin.js";
import { parseBash, type Command } from "../parse.js";

/** Something that is written to a file. */
export interface Piece {
  /** Null where it does not follow from the script. */
  readonly text: string | null;
  readonly from: "text" | "network" | "decoder";
  readonly appends: boolean;
  readonly node: Place & { readonly type: Command["type"] | "Redirected" };
  readonly origin: Origin;
}

/** What a file holds one time after the other: what is appended belongs to what was there. */
export function versions(pieces: readonly Piece[]): Piece[][] {
  const all: Piece[][] = [];
  for (const piece of pieces) {
    const last = all.at(-1);
    if (piece.appends && last !== undefined) last.push(piece);
    else all.push([piece]);
  }
  return all;
}

/** Whether what comes before and after a text does not change what it means. */
export function standsAlone(text: string): boolean {
  return /[^\\]\n$/.test(text) && parseBash(text).problem === null;
}
