import type { TraceStep } from "./diagnostic.js";

/** From where to where something stands in the file, in UTF-16 units. */
export interface Place {
  readonly pos: number;
  readonly end: number;
}

/** The part of a script that is being looked at, seen from the file: embedded text has no place of its own. */
export interface Origin {
  /** Where the text comes from that is looked at; null where it is the file itself. */
  readonly pos: number | null;
  readonly end: number;
  readonly trace: readonly TraceStep[];
  /** Texts within texts so far. */
  readonly depth: number;
  /** Body of the function that is looked at once more for a call of it. */
  readonly body?: Place;
}

export const FILE: Origin = { pos: null, end: 0, trace: [], depth: 0 };

/** Where in the file a place of the text is. */
export function placeIn(origin: Origin, place: Place): Place {
  return origin.pos === null ? place : { pos: origin.pos, end: origin.end };
}
