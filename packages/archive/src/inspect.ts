import { EntryRules, type ArchiveSummary } from "./entry-rules.js";
import { plainTar } from "./decompress.js";
import type { ArchiveLimits } from "./limits.js";
import { scanTar } from "./scan-tar.js";
import { readingArchive } from "./tar-feed.js";

/**
 * Reads an archive up to its end mark and applies the rules to every header; the content of files is
 * passed over. Memory grows with the number of entries only. What follows the end mark is neither
 * decompressed nor looked at; the source is closed there.
 *
 * @param source the archive, tar or gzipped tar
 * @throws JobctlError with the code of the first rule that is broken, or `archive_invalid`
 */
export async function inspectArchive(
  source: AsyncIterable<Buffer>,
  limits: ArchiveLimits,
): Promise<ArchiveSummary> {
  const rules = new EntryRules(limits);
  await readingArchive(async () => {
    for await (const _piece of scanTar(plainTar(source), (entry) => rules.check(entry)));
  });
  return rules.finish();
}
