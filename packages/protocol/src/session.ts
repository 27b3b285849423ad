import { z } from "zod";

import { agentNameSchema } from "./agent-answers.js";

/** Version of the handshake; both sides have to speak the same. */
export const SESSION_PROTOCOL = 1;

/** Header of every call of a session: the installation that the server belongs to. */
export const INSTALLATION_HEADER = "jobctl-installation";
/** Header of every call of a session: the epoch of the server's lease. */
export const EPOCH_HEADER = "jobctl-epoch";

/** Largest body of a handshake message, in bytes. */
export const MAX_HANDSHAKE_BYTES = 4096;
/** Most enrolment secrets that one side offers, while one is being replaced by another. */
export const MAX_ENROLMENT_SECRETS = 8;

/** 32 bytes in base64url: a public key, a nonce, a MAC. */
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url");
const signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/, "must be an Ed25519 signature");
const handshakeId = z.string().regex(/^[A-Za-z0-9_-]{22}$/);
const macs = z.array(bytes32).max(MAX_ENROLMENT_SECRETS);

/** `POST /v1/session`: the server says who it is. It proves it in the next message. */
export const serverHelloSchema = z.object({
  protocol: z.literal(SESSION_PROTOCOL),
  /** `check` proves both sides and leaves everything as it is; `work` begins a session. */
  purpose: z.enum(["work", "check"]),
  installation: z.uuid(),
  epoch: z.number().int().nonnegative(),
  /** Which server holds the lease: two copies of one database can have the same epoch. */
  lease: bytes32,
  /** Ed25519 public key of the installation. */
  key: bytes32,
  nonce: bytes32,
  /** X25519 public key, for this handshake only. */
  ephemeral: bytes32,
});
export type ServerHello = z.infer<typeof serverHelloSchema>;

/** Answer to `POST /v1/session`. */
export const agentHelloSchema = z.object({
  protocol: z.literal(SESSION_PROTOCOL),
  handshake: handshakeId,
  name: agentNameSchema,
  key: bytes32,
  nonce: bytes32,
  ephemeral: bytes32,
  /** Whether the agent knows this installation; otherwise the server has to prove the enrolment secret. */
  enrolled: z.boolean(),
  /** Over the transcript, with `key`. */
  signature,
});
export type AgentHello = z.infer<typeof agentHelloSchema>;

/** `PUT /v1/session`: the server's proofs. */
export const serverProofSchema = z.object({
  handshake: handshakeId,
  signature,
  /** Whether the server does not know the agent yet, which then has to prove the enrolment secret. */
  enrol: z.boolean(),
  /** One for each enrolment secret of the server; empty when neither side asks for it. */
  macs,
});
export type ServerProof = z.infer<typeof serverProofSchema>;

/** Answer to `PUT /v1/session`: the session has begun. */
export const agentProofSchema = z.object({ macs });
export type AgentProof = z.infer<typeof agentProofSchema>;
