import { Header, Pax } from "tar";

const BLOCK = 512;

/** A header as somebody with bad intentions would write it: nothing is checked. */
export interface TarEntry {
  readonly path: string;
  readonly type?:
    | "File"
    | "Directory"
    | "SymbolicLink"
    | "Link"
    | "CharacterDevice"
    | "BlockDevice"
    | "FIFO";
  readonly content?: string | Buffer;
  /** Size that the header claims; default: that of the content. */
  readonly size?: number;
  readonly mode?: number;
  readonly linkpath?: string;
}

/** One entry of a tar archive: header, content, padding. */
export function tarEntry(entry: TarEntry): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const fields = {
    path: entry.path,
    mode: entry.mode ?? 0o644,
    size: entry.size ?? content.length,
    mtime: new Date(0),
    ...(entry.linkpath === undefined ? {} : { linkpath: entry.linkpath }),
  };
  const block = Buffer.alloc(BLOCK);
  const needsPax = new Header({ ...fields, type: entry.type ?? "File" }).encode(block, 0);
  const { mtime: _time, ...paxFields } = fields;
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([
    ...(needsPax ? [new Pax(paxFields).encode()] : []),
    block,
    content,
    padding,
  ]);
}

/** A complete archive of these entries. */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * BLOCK)]);
}

/** This many empty files, 512 bytes each, quickly: one header with a number and its checksum put in. */
export function* emptyFiles(count: number): Generator<Buffer> {
  const template = tarEntry({ path: "f0000000" });
  const sumOfTemplate = Number.parseInt(template.toString("latin1", 148, 154), 8);
  for (let first = 0; first < count; first += 1000) {
    const blocks = Array.from({ length: Math.min(1000, count - first) }, (_, offset) => {
      const block = Buffer.from(template);
      const digits = String(first + offset).padStart(7, "0");
      block.write(digits, 1, "latin1");
      const sum = [...digits].reduce((total, digit) => total + Number(digit), sumOfTemplate);
      block.write(sum.toString(8).padStart(6, "0"), 148, "latin1");
      return block;
    });
    yield Buffer.concat(blocks);
  }
}
