import {
  JobctlError,
  MAX_ENROLMENT_SECRETS,
  SESSION_PROTOCOL,
  agentHelloSchema,
  agentProofSchema,
  fieldProblems,
  listProblems,
  type ServerHello,
  type ServerProof,
} from "@jobctl/protocol";
import type { z } from "zod";

import {
  enrolmentMac,
  makeEphemeral,
  makeNonce,
  proofText,
  provedSecret,
  sessionToken,
  transcriptOf,
} from "./handshake.js";
import { fingerprintOf, isSignedBy, signText, type KeyPair } from "./key-pair.js";

/** Who a server is: the same after every restart and restore. */
export interface Installation {
  /** A UUID. */
  readonly id: string;
  readonly keys: KeyPair;
}

/** What `openSession` needs to know of the server. */
export interface SessionRequest {
  readonly installation: Installation;
  /** Of the server's lease. */
  readonly epoch: number;
  /** `leaseIdOf` that lease. */
  readonly lease: string;
  /** `check` proves both sides and changes nothing. */
  readonly purpose: ServerHello["purpose"];
  /** Accepted for a first contact, the preferred one first; read only for that. */
  readonly secrets: readonly string[];
  /** Sends a message of the handshake and returns the answer's JSON. */
  send(method: "POST" | "PUT", message: object): Promise<unknown>;
  /** Public key that a name is bound to; null when the name is new. May throw to refuse the name. */
  keyOf(name: string): string | null;
}

/** An agent that has proved itself. */
export interface Session {
  readonly name: string;
  /** Its public key. */
  readonly key: string;
  /** Whether the name was new: the key has been proved with an enrolment secret. */
  readonly isNew: boolean;
  /** Bearer of every further call. */
  readonly token: string;
}

/**
 * The server's side of the handshake. Nothing secret leaves before the agent has proved the key that
 * it shows, and an enrolment secret never leaves at all.
 *
 * @throws JobctlError `agent_key_mismatch`, `enrolment_refused`, `agent_answer_invalid`, what the agent
 *   refuses the handshake with, or what `send` and `keyOf` throw
 */
export async function openSession(request: SessionRequest): Promise<Session> {
  const { installation, epoch, lease, purpose } = request;
  const ephemeral = makeEphemeral();
  const hello: ServerHello = {
    ...{ protocol: SESSION_PROTOCOL, purpose, installation: installation.id, epoch },
    lease,
    ...{ key: installation.keys.publicKey, nonce: makeNonce(), ephemeral: ephemeral.publicKey },
  };
  const agent = read(agentHelloSchema, await request.send("POST", hello));
  const known = request.keyOf(agent.name);
  if (known !== null && known !== agent.key) throw keyMismatch(agent.name, known, agent.key);
  const transcript = transcriptOf(hello, agent);
  if (!isSignedBy(agent.key, proofText("agent", transcript), agent.signature))
    throw new JobctlError(
      "agent_key_mismatch",
      `agent ${agent.name} does not prove that it has the key ${fingerprintOf(agent.key)}`,
    );
  const token = sessionToken(
    secretOf(() => ephemeral.secretWith(agent.ephemeral)),
    transcript,
  );
  const isNew = known === null;
  const isEnrolment = isNew || !agent.enrolled;
  const secrets = isEnrolment ? request.secrets.slice(0, MAX_ENROLMENT_SECRETS) : [];
  if (isEnrolment && secrets.length === 0) throw noSecret(agent.name);
  const proof: ServerProof = {
    handshake: agent.handshake,
    signature: signText(proofText("server", transcript), installation.keys),
    enrol: isNew,
    macs: isEnrolment ? secrets.map((secret) => enrolmentMac(secret, "server", transcript)) : [],
  };
  const { macs } = read(agentProofSchema, await request.send("PUT", proof));
  if (isNew && provedSecret(secrets, "agent", transcript, macs) === null)
    throw new JobctlError(
      "enrolment_refused",
      `agent ${agent.name} does not prove that it knows the enrolment secret`,
      { hint: "Give its JOBCTL_AGENT_TOKEN_FILE the secret that this server has for it." },
    );
  return { name: agent.name, key: agent.key, isNew, token };
}

function read<Schema extends z.ZodType>(schema: Schema, said: unknown): z.output<Schema> {
  const parsed = schema.safeParse(said);
  if (parsed.success) return parsed.data;
  const problems = listProblems(fieldProblems(parsed.error).slice(0, 1));
  throw new JobctlError("agent_answer_invalid", `its part of the handshake is wrong: ${problems}`);
}

function secretOf(derive: () => Buffer): Buffer {
  try {
    return derive();
  } catch (error) {
    throw new JobctlError("agent_answer_invalid", "it sent a key that no secret can be made with", {
      cause: error,
    });
  }
}

function keyMismatch(name: string, known: string, shown: string): JobctlError {
  return new JobctlError(
    "agent_key_mismatch",
    `the name ${name} is bound to the key ${fingerprintOf(known)}, and this agent shows ${fingerprintOf(shown)}`,
    {
      hint: `Give it a JOBCTL_AGENT_NAME of its own. If it has lost its data directory, and is the same agent: jobctl agents forget-key ${name}`,
    },
  );
}

function noSecret(name: string): JobctlError {
  return new JobctlError(
    "enrolment_refused",
    `agent ${name} is new, and this server has no enrolment secret for it`,
    {
      hint: "Set JOBCTL_AGENT_TOKEN_FILE on both sides, or use jobctl agents add URL --one-time.",
    },
  );
}
