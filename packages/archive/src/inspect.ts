import type { JobctlError } from "@jobctl/protocol";
import { Parser } from "tar";

import { EntryRules, type ArchiveSummary } from "./entry-rules.js";
import type { ArchiveLimits } from "./limits.js";
import { plainTar } from "./decompress.js";
import { feed } from "./tar-feed.js";

/**
 * Reads an archive to its end and applies the rules to every header; the content of files is
 * passed over. Memory grows with the number of entries only.
 *
 * @param source the archive, tar or gzipped tar
 * @throws JobctlError with the code of the first rule that is broken, or `archive_invalid`
 */
export async function inspectArchive(
  source: AsyncIterable<Buffer>,
  limits: ArchiveLimits,
): Promise<ArchiveSummary> {
  const rules = new EntryRules(limits);
  let broken: JobctlError | undefined;
  const parser = new Parser({
    strict: true,
    maxDecompressionRatio: Infinity,
    filter: (path, entry) => {
      if (broken !== undefined || !("type" in entry)) return false;
      try {
        rules.check({
          path,
          type: entry.type,
          size: entry.size,
          mode: entry.mode ?? 0,
          linkpath: entry.linkpath,
        });
      } catch (error) {
        broken = error as JobctlError;
      }
      return false;
    },
  });
  await feed(plainTar(source), parser, () => broken);
  return rules.finish();
}
