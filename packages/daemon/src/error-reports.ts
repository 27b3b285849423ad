import { JobctlError, VERSION } from "@jobctl/protocol";

import { withoutSecrets, type LogFacts, type LogSettings } from "./logger.js";

/** Facts of a log line by which reports are searched. */
const TAGS = ["event", "requestId", "jobId", "attempt", "agent", "task", "step", "method", "route"];

/** How long the end of a process waits for reports that are under way. */
const FLUSH_MS = 2000;

/** Where errors go besides the log. */
export interface ErrorReports {
  report(facts: LogFacts, message: string | undefined): void;
  /** Waits, for a while, until all have been sent. */
  flush(): Promise<void>;
}

const NOWHERE: ErrorReports = { report() {}, async flush() {} };

/**
 * Reports errors to Sentry when there is a DSN. Its SDK is loaded only then, without anything that
 * watches the process by itself: what is reported is what was logged as an error, with the same ids.
 *
 * @throws JobctlError `config_invalid`
 */
export async function createErrorReports(
  app: string,
  { sentryDsn, env, secrets }: LogSettings,
): Promise<ErrorReports> {
  if (sentryDsn === null) return NOWHERE;
  const sentry = await import("@sentry/node-core/light");
  const client = sentry.initWithoutDefaultIntegrations({
    dsn: sentryDsn.current,
    release: `${app}@${VERSION}`,
    ...(env === undefined ? {} : { environment: env }),
    sendDefaultPii: false,
    integrations: [sentry.linkedErrorsIntegration(), sentry.nodeContextIntegration()],
    initialScope: { tags: { app } },
    beforeSend: (event) => JSON.parse(withoutSecrets(JSON.stringify(event), secrets)),
  });
  if (client.getDsn() === undefined) {
    throw new JobctlError("config_invalid", "cannot start: SENTRY_DSN is not a DSN of Sentry's", {
      hint: "Copy it from the settings of the project in Sentry, or leave it out.",
    });
  }
  return {
    report(facts, message) {
      const tags = Object.fromEntries(
        TAGS.flatMap((name) => (facts[name] == null ? [] : [[name, String(facts[name])]])),
      );
      const { err } = facts;
      if (err === undefined)
        sentry.captureMessage(message ?? facts.event, { level: "error", tags });
      else sentry.captureException(err, { tags });
    },
    flush: async () => void (await sentry.flush(FLUSH_MS)),
  };
}
