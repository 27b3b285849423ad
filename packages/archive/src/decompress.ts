import { createGunzip } from "node:zlib";
import { PassThrough, pipeline, type Duplex } from "node:stream";

const GZIP_MAGIC = [0x1f, 0x8b] as const;

/**
 * Looks at the first bytes of a stream and passes on the plain tar in it: gzip is unpacked (in the
 * thread pool, in pieces, so that a bomb costs neither memory nor the event loop), everything else
 * goes through as it is.
 */
export async function* plainTar(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head = await readAtLeast(iterator, GZIP_MAGIC.length);
    const rest = { [Symbol.asyncIterator]: () => iterator };
    const gzipped = GZIP_MAGIC.every((byte, at) => head[at] === byte);
    yield* gzipped ? throughStream(concat(head, rest), createGunzip()) : concat(head, rest);
  } finally {
    // Not awaited: a piece of the source that is still on its way would have to arrive first.
    iterator.return?.().catch(() => {});
  }
}

async function readAtLeast(iterator: AsyncIterator<Buffer>, bytes: number): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < bytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* concat(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}

async function* throughStream(
  source: AsyncIterable<Buffer>,
  stream: Duplex,
): AsyncGenerator<Buffer> {
  const out = new PassThrough();
  pipeline(source, stream, out, () => {});
  yield* out as AsyncIterable<Buffer>;
}
