import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

import type { AgentHello, ServerHello } from "@jobctl/protocol";

/** What both sides of the handshake between server and agent compute; ADR 4 has the whole of it. */

export type Role = "server" | "agent";

/** Half of a Diffie-Hellman exchange (X25519), for one handshake. */
export interface Ephemeral {
  readonly publicKey: string;
  /** @throws Error when the other half is no public key, or one that would make the secret known */
  secretWith(otherPublicKey: string): Buffer;
}

/** A new X25519 key pair for one handshake; its private half never leaves it. */
export function makeEphemeral(): Ephemeral {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  return {
    publicKey: String(publicKey.export({ format: "jwk" }).x),
    secretWith: (x) =>
      diffieHellman({
        privateKey,
        publicKey: createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" }),
      }),
  };
}

/**
 * Tells a server apart from a copy of itself: the epochs of two copies of one database can be equal.
 *
 * @param holder `host:pid` of the process that took the lease
 * @param since when, in milliseconds since 1970
 * @returns 32 bytes in base64url
 */
export function leaseIdOf(holder: string, since: number): string {
  return createHash("sha256")
    .update(JSON.stringify(["jobctl lease", holder, since]))
    .digest("base64url");
}

/** 32 random bytes in base64url. */
export function makeNonce(): string {
  return randomBytes(32).toString("base64url");
}

/** Everything that both sides have said, in a form that can be read in one way only. */
export function transcriptOf(server: ServerHello, agent: Omit<AgentHello, "signature">): string {
  return JSON.stringify([
    "jobctl session",
    ...[server.protocol, server.purpose, server.installation, server.epoch],
    server.lease,
    ...[server.key, server.nonce, server.ephemeral],
    ...[agent.protocol, agent.handshake, agent.name, agent.enrolled],
    ...[agent.key, agent.nonce, agent.ephemeral],
  ]);
}

/** What a side signs: its role keeps one side's proof from being sent back as the other's. */
export function proofText(role: Role, transcript: string): string {
  return JSON.stringify(["jobctl proof", role, transcript]);
}

/** Proves the knowledge of an enrolment secret, in this handshake only. */
export function enrolmentMac(secret: string, role: Role, transcript: string): string {
  const text = JSON.stringify(["jobctl enrolment", role, transcript]);
  return createHmac("sha256", secret).update(text).digest("base64url");
}

/** The secret of ours that one of the other side's MACs was made with; null when there is none. */
export function provedSecret(
  secrets: readonly string[],
  role: Role,
  transcript: string,
  macs: readonly string[],
): string | null {
  const proved = secrets.filter((secret) => {
    const expected = enrolmentMac(secret, role, transcript);
    return macs.filter((mac) => isSameText(mac, expected)).length > 0;
  });
  return proved[0] ?? null;
}

/** The bearer token of a session. It is never sent before both sides have proved themselves. */
export function sessionToken(sharedSecret: Buffer, transcript: string): string {
  const salt = createHash("sha256").update(transcript).digest();
  return Buffer.from(hkdfSync("sha256", sharedSecret, salt, "jobctl session token", 32)).toString(
    "base64url",
  );
}

/** Compares in constant time: neither content nor length can be learned from how long it takes. */
export function isSameText(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
