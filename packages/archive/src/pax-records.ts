import { archiveInvalid } from "./archive-invalid.js";

/** The fields of extended headers that replace those of the header that follows. */
export interface ExtendedFields {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
  readonly mtime?: Date;
}

/** Digits of a record's length; no header is long enough for more. */
const MAX_LENGTH_DIGITS = 8;
const SPACE = 0x20;
const LINE_BREAK = 0x0a;

/**
 * Reads the records of a pax extended header, `LENGTH KEY=VALUE\n` each. The length alone says where a
 * record ends, so a line break in a value, such as one in a file name or in binary attributes, cannot
 * pass for another record.
 *
 * @throws JobctlError `archive_invalid` for records that do not add up, and for sparse files
 */
export function readPaxRecords(body: Buffer): ExtendedFields {
  const fields: { path?: string; linkpath?: string; size?: number; mtime?: Date } = {};
  for (let at = 0; at < body.length;) {
    const end = recordEnd(body, at);
    const record = body.subarray(body.indexOf(SPACE, at) + 1, end - 1);
    at = end;
    const equals = record.indexOf("=");
    if (equals <= 0) throw malformed();
    const key = record.toString("latin1", 0, equals);
    const value = record.subarray(equals + 1);
    if (key.startsWith("GNU.sparse."))
      throw archiveInvalid("it holds a sparse file; pack it without --sparse");
    if (key === "path" || key === "linkpath") fields[key] = value.toString("utf8");
    else if (key === "size") fields.size = wholeNumber(value);
    else if (key === "mtime") fields.mtime = new Date(Number(value.toString("latin1")) * 1000);
  }
  return fields;
}

/** Offset behind the record that begins at `at`. */
function recordEnd(body: Buffer, at: number): number {
  const space = body.indexOf(SPACE, at);
  const digits = space === -1 ? "" : body.toString("latin1", at, Math.min(space, at + 16));
  if (!/^[1-9]\d*$/.test(digits) || digits.length > MAX_LENGTH_DIGITS) throw malformed();
  const end = at + Number(digits);
  if (end > body.length || end <= space + 1 || body[end - 1] !== LINE_BREAK) throw malformed();
  return end;
}

function wholeNumber(value: Buffer): number {
  const text = value.toString("latin1");
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw malformed();
  return number;
}

function malformed() {
  return archiveInvalid("an extended header is malformed");
}
