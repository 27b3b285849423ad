import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from "node:crypto";

/** An Ed25519 key pair, each half 32 bytes in base64url. */
export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** A new key pair, at random. */
export function makeKeyPair(): KeyPair {
  const { x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return { publicKey: String(x), privateKey: String(d) };
}

/** The Ed25519 signature of a text, in base64url. */
export function signText(text: string, { publicKey, privateKey }: KeyPair): string {
  const key = { kty: "OKP", crv: "Ed25519", x: publicKey, d: privateKey };
  return sign(null, Buffer.from(text), createPrivateKey({ key, format: "jwk" })).toString(
    "base64url",
  );
}

/** False for a signature, or a key, that is none. */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: publicKey },
      format: "jwk",
    });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, "base64url"));
  } catch {
    return false;
  }
}

/** A public key in short, for people to compare. */
export function fingerprintOf(publicKey: string): string {
  const digest = createHash("sha256").update(Buffer.from(publicKey, "base64url")).digest("hex");
  return digest.slice(0, 16).replaceAll(/(.{4})(?=.)/g, "$1:");
}
