const ALLOWANCE = /^#[ \t]*jobctl:[ \t]*allow[ \t]+([A-Z][A-Z-]*)[ \t]+--[ \t]*(\S.*)$/;
/** Most comments of a script that are looked at: the others explain nothing. */
const MAX_ALLOWANCES = 1000;

/** What comments of a script ask to be let through, with the reasons: `# jobctl: allow RULE -- reason`. */
export function findAllowances(text: string): ReadonlyMap<string, string> {
  const allowances = new Map<string, string>();
  let at = text.indexOf("jobctl:");
  for (let count = 0; at !== -1 && count < MAX_ALLOWANCES; count += 1) {
    const end = text.indexOf("\n", at);
    const lineEnd = end === -1 ? text.length : end;
    const line = text.slice(text.lastIndexOf("\n", at) + 1, lineEnd);
    const found = line.length > MAX_LINE ? null : ALLOWANCE.exec(line.trim());
    if (found !== null) allowances.set(found[1] ?? "", found[2] ?? "");
    at = text.indexOf("jobctl:", lineEnd);
  }
  return allowances;
}

const MAX_LINE = 1000;
