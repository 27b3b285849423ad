import { JobctlError } from "@jobctl/protocol";
import type { FastifyRequest } from "fastify";
import { z } from "zod";

import { bearerCheck } from "./bearer-auth.js";
import { isLoopback } from "./connection-limit.js";
import type { Secret } from "./secret.js";

/** Who may read `/metrics`. */
export interface MetricsAccess {
  /** With it a request needs one of its values as bearer token. */
  readonly token: Secret | null;
  /** Without a token: whether other machines may read it, though not through a proxy. */
  readonly open: boolean;
}

/** The setting of it, for the shape that a daemon gives to `readEnvironment`. */
export const metricsSettings = {
  JOBCTL_METRICS_OPEN: z.stringbool().default(false),
};

/**
 * A check of requests for the figures: they name users, agents and services, so by default only this
 * machine gets them.
 *
 * @throws JobctlError `unauthorized` (from the check)
 */
export function metricsCheck({ token, open }: MetricsAccess): (request: FastifyRequest) => void {
  if (token !== null)
    return bearerCheck(token, "Send the token of JOBCTL_METRICS_TOKEN_FILE as bearer token.");
  return (request) => {
    const { socket, ip } = request;
    const isOwn = isLoopback(socket.remoteAddress) && isLoopback(ip);
    if (!isForwarded(request) && (open || isOwn)) return;
    throw new JobctlError(
      "unauthorized",
      open ? "figures are not given out through a proxy" : "figures are for this machine only",
      {
        hint: "Set JOBCTL_METRICS_TOKEN_FILE, or JOBCTL_METRICS_OPEN=true on a network of trusted machines.",
      },
    );
  };
}

/** A proxy connects for others, from its own address; it says so in one of these headers. */
function isForwarded({ headers }: FastifyRequest): boolean {
  return headers["x-forwarded-for"] !== undefined || headers["forwarded"] !== undefined;
}
