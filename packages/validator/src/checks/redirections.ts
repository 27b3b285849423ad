import type { Origin } from "../origin.js";
import type { Redirection } from "../parse.js";
import { checkFile } from "../rules/registry.js";
import type { Found } from "../rules/report.js";
import { readOf, writeOf } from "../rules/shared/file-uses.js";
import type { Scene } from "../scene.js";

/** Files and connections that redirections open. */
export function checkRedirections(
  redirects: readonly Redirection[],
  origin: Origin,
  scene: Scene,
): void {
  for (const redirect of redirects) {
    if (redirect.type !== "Redirect" || redirect.target === undefined) continue;
    for (const value of scene.resolver.word(redirect.target)) {
      const path = scene.directory.resolve(value) ?? value;
      const resolved = `${redirect.operator} ${path}`;
      const found: Found = (rule, message, severity) =>
        scene.report(origin, redirect, { rule, message, resolved, severity });
      if (redirect.operator === "<") checkFile(readOf(path), found);
      else if (!/^[&\d-]*$/.test(path)) checkFile(writeOf(path), found);
    }
  }
}
