import { isShellVariable, type AttemptSpec } from "@jobctl/protocol";

import type { JobLayout } from "./executor.js";
import type { JobEnvironment } from "./job-shell.js";

/** Where programs are looked for; the agent's own PATH stays the agent's. */
const JOB_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Variables that a job cannot set for itself, because jobctl does. */
const OURS = ["HOME", "TMPDIR"] as const;

/**
 * The whole environment of a job. Nothing of the agent's own is in it. The job's variables may
 * replace PATH and LANG, not the names that jobctl gives a meaning.
 */
export function jobEnvironment(
  spec: AttemptSpec,
  { workspace, temporary }: JobLayout,
): JobEnvironment {
  const given = Object.entries(spec.env).filter(
    ([name]) =>
      isShellVariable(name) &&
      !name.startsWith("JOBCTL_") &&
      !(OURS as readonly string[]).includes(name),
  );
  return {
    own: {
      PATH: JOB_PATH,
      LANG: "C.UTF-8",
      HOME: workspace,
      TMPDIR: temporary,
      JOBCTL_JOB_ID: String(spec.jobId),
      JOBCTL_ATTEMPT: spec.id,
      JOBCTL_SERVICE: spec.service,
    },
    given: Object.fromEntries(given),
  };
}
