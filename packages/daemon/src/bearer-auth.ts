import { createHash, timingSafeEqual } from "node:crypto";

import { JobctlError } from "@jobctl/protocol";
import type { FastifyRequest } from "fastify";

/**
 * A check that a request carries this bearer token. Digests are compared, in constant time, so
 * neither the content nor the length of the token can be learned from how long it takes.
 *
 * @throws JobctlError `unauthorized` (from the check)
 */
export function bearerCheck(token: string, hint: string): (request: FastifyRequest) => void {
  const expected = digest(token);
  return (request) => {
    const header = request.headers.authorization;
    const given = /^Bearer (.+)$/i.exec(header ?? "")?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return;
    throw new JobctlError(
      "unauthorized",
      given === undefined ? "no bearer token was sent" : "the bearer token is not known here",
      { hint },
    );
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
