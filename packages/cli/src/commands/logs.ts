import type { Job } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import type { LogStream } from "@jobctl/protocol/reserved";

import { runCommand, type CommonFlags, type Context } from "../command.js";
import { exitCodeOf } from "../exit-code.js";
import { followJob, type LogSink } from "../follow.js";
import { parseJobId } from "../job-ids.js";
import { summaryOf } from "../job-table.js";
import { logPrinter } from "../log-printer.js";
import { TailBuffer } from "../tail-buffer.js";

export interface LogsFlags extends CommonFlags {
  readonly follow?: boolean;
  readonly stream?: string;
  readonly tail?: string;
}

export async function logs(idText: string, flags: LogsFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const id = parseJobId(idText);
    const streams = parseStreams(flags.stream);
    const tail = flags.tail === undefined ? null : parseTail(flags.tail);
    if (context.output.flags.json) return printJson(id, streams, tail, flags, context);
    if (flags.follow !== true) return printNow(id, streams, tail, context);
    context.onInterrupt(`Job ${id} goes on. To stop it: jobctl cancel ${id}`);
    const job = await follow(id, streams, tail, context);
    context.output.note(summaryOf(job));
    return exitCodeOf(job);
  });
}

function parseStreams(text: string | undefined): LogStream[] {
  if (text === undefined) return ["stdout", "stderr"];
  if (text === "stdout" || text === "stderr") return [text];
  throw new JobctlError("usage", `there is no stream ${JSON.stringify(text)}`, {
    hint: "There are stdout and stderr.",
  });
}

function parseTail(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new JobctlError("usage", `--tail: ${JSON.stringify(text)} is not a number of lines`);
}

async function printNow(
  id: number,
  streams: readonly LogStream[],
  tail: number | null,
  context: Context,
): Promise<void> {
  const print = logPrinter();
  for (const stream of streams) {
    if (tail === null) await readLog(id, stream, context, print);
    else await print(stream, (await readTail(id, stream, tail, context)).content);
  }
}

/** Follows the job; with `tail` what was written before is cut to its last lines. */
async function follow(
  id: number,
  streams: readonly LogStream[],
  tail: number | null,
  context: Context,
): Promise<Job> {
  const print = logPrinter();
  const offsets = new Map<LogStream, number>();
  if (tail !== null) {
    for (const stream of streams) {
      const last = await readTail(id, stream, tail, context);
      await print(stream, last.content);
      offsets.set(stream, last.totalBytes);
    }
  }
  return followJob(id, {
    client: context.client,
    signal: context.signal,
    streams,
    offsets,
    sink: print,
    onNewAttempt: (attempt) =>
      context.output.note(`job ${id} lost its agent; this is attempt ${attempt}`),
  });
}

async function readLog(
  id: number,
  stream: LogStream,
  { client, signal }: Context,
  sink: LogSink,
): Promise<number> {
  const answer = await client.send(`/v1/jobs/${id}/logs`, { query: { stream }, signal });
  for await (const chunk of answer.body) await sink(stream, chunk as Buffer);
  return Number(answer.headers["jobctl-attempt-number"]) || 0;
}

async function readTail(
  id: number,
  stream: LogStream,
  lines: number,
  context: Context,
): Promise<TailBuffer> {
  const buffer = new TailBuffer(lines);
  await readLog(id, stream, context, (_stream, bytes) => buffer.add(bytes));
  return buffer;
}

async function printJson(
  id: number,
  streams: readonly LogStream[],
  tail: number | null,
  flags: LogsFlags,
  context: Context,
): Promise<number> {
  const collected = new Map(streams.map((stream) => [stream, new TailBuffer(tail ?? Infinity)]));
  const collect: LogSink = (stream, bytes) => collected.get(stream)?.add(bytes);
  let attempt = 0;
  let exitCode = 0;
  if (flags.follow === true) {
    const { client, signal } = context;
    const job = await followJob(id, { client, signal, streams, sink: collect });
    [attempt, exitCode] = [job.attempt, exitCodeOf(job)];
  } else {
    for (const stream of streams) attempt = await readLog(id, stream, context, collect);
  }
  const textOf = (stream: LogStream): string | null =>
    collected.get(stream)?.content.toString("utf8") ?? null;
  context.output.json({
    schema: "jobctl.log/v1",
    id,
    attempt,
    stdout: textOf("stdout"),
    stderr: textOf("stderr"),
  });
  return exitCode;
}
