import type { Severity } from "../../diagnostic.js";
import { UNSET, readable } from "../../characters.js";
import type { FileUse, Report } from "../../rule.js";

/**
 * Reports that a file is written to. Behind a variable that the script does not set, as in `$PREFIX/bin`, it is where
 * the site says; only where that is nowhere, it is the system's.
 */
export function reportWrite({ path }: FileUse, report: Report): void {
  const severity: Severity | undefined = path.startsWith(UNSET) ? "warning" : undefined;
  report(`${readable(path)} is written to`, severity);
}
