import { readable } from "../../characters.js";
import type { Found } from "../report.js";

/** Variables whose value a program runs. */
export const COMMAND_VARIABLES =
  /^(PROMPT_COMMAND|PS[0124]|\w*PAGER|\w*EDITOR|VISUAL|GIT_(SSH|SSH_COMMAND|ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND|CONFIG_VALUE_\d+)|SSH_ASKPASS|SUDO_ASKPASS|LESSOPEN|LESSCLOSE|BROWSER|RSYNC_RSH|CVS_RSH|TAR_OPTIONS|MAKEFLAGS)$/;
const CODE_VARIABLES = /^(PYTHONSTARTUP|PERL5OPT|PERL5DB|RUBYOPT|NODE_OPTIONS|JAVA_TOOL_OPTIONS)$/;

/**
 * Variables that make other programs do more than they say.
 *
 * @param forCommand whether the assignment stands before a command
 */
export function checkVariable(
  name: string,
  value: string,
  forCommand: boolean,
  found: Found,
): void {
  if (value === "") return;
  const own = /^(\/tmp|\/dev\/shm|\/var\/tmp|\.)(\/|$)/.test(value);
  if (/^(LD_PRELOAD|LD_AUDIT)$/.test(name))
    found("EXEC-PRELOAD", `${name} is set to ${readable(value)}`, own ? undefined : "warning");
  if (/^(BASH_ENV|ENV)$/.test(name) && forCommand)
    found(
      "PERSIST-ENVHOOK",
      `${name} makes every shell run ${readable(value)}`,
      own ? "error" : undefined,
    );
  if (CODE_VARIABLES.test(name) && (own || /[;(]/.test(value)))
    found("PERSIST-ENVHOOK", `${name} makes programs run ${readable(value)}`, "error");
}
