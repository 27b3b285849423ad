import { createHash, timingSafeEqual } from "node:crypto";

import { JobctlError } from "@jobctl/protocol";
import type { FastifyRequest } from "fastify";

import type { Secret } from "./secret.js";

/**
 * A check that a request carries a bearer token that is valid now. Digests are compared, in constant
 * time, so neither the content nor the length of a token can be learned from how long it takes.
 *
 * @throws JobctlError `unauthorized` (from the check)
 */
export function bearerCheck(token: Secret, hint: string): (request: FastifyRequest) => void {
  return (request) => {
    const header = request.headers.authorization;
    const given = /^Bearer (.+)$/i.exec(header ?? "")?.[1];
    if (given !== undefined && isOneOf(given, token.values)) return;
    throw new JobctlError(
      "unauthorized",
      given === undefined ? "no bearer token was sent" : "the bearer token is not known here",
      { hint },
    );
  };
}

function isOneOf(given: string, valid: readonly string[]): boolean {
  const digest = digestOf(given);
  // Not some(): every value takes its time, whichever it is.
  return valid.filter((value) => timingSafeEqual(digest, digestOf(value))).length > 0;
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
