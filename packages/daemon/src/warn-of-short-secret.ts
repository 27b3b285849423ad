import { MIN_ENROLMENT_SECRET } from "@jobctl/protocol";

import type { Logger } from "./logger.js";
import type { Secret } from "./secret.js";

/** Warns of an enrolment secret that could be guessed. It is used all the same. */
export function warnOfShortSecret(secret: Secret | null, logger: Logger): void {
  if (secret === null || secret.shortest >= MIN_ENROLMENT_SECRET) return;
  logger.warn(
    { event: "enrolment_secret_short" },
    `an enrolment secret in JOBCTL_AGENT_TOKEN_FILE has ${secret.shortest} characters; at least ${MIN_ENROLMENT_SECRET} are needed: head -c 32 /dev/urandom | base64`,
  );
}
