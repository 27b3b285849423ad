import { randomBytes } from "node:crypto";

import { isResourceError } from "@jobctl/archive";
import {
  enrolmentMac,
  fingerprintOf,
  isSameText,
  isSignedBy,
  makeEphemeral,
  makeNonce,
  proofText,
  provedSecret,
  sessionToken,
  signText,
  transcriptOf,
  type Logger,
  type Secret,
} from "@jobctl/daemon";
import {
  JobctlError,
  MAX_ENROLMENT_SECRETS,
  SESSION_PROTOCOL,
  toJobctlError,
  type AgentHello,
  type AgentProof,
  type ServerHello,
  type ServerProof,
} from "@jobctl/protocol";

import type { Identity } from "./identity.js";

/** Time between the two messages of a handshake. */
const HANDSHAKE_MS = 10_000;
/** Upper bound on concurrent handshakes; one more evicts the oldest, so a flood cannot block new ones for long. */
const MAX_HANDSHAKES = 256;
/** Shortest time between two log lines about refusals with the same code: anybody can cause one. */
const REFUSAL_LOG_MS = 60_000;

interface Handshake {
  readonly hello: ServerHello;
  readonly transcript: string;
  readonly token: string;
  readonly enrolled: boolean;
  readonly beganMs: number;
}

interface OpenSession {
  readonly token: string;
  readonly installation: string;
  readonly epoch: number;
  readonly lease: string;
  /** Each ends an answer that is under way. */
  readonly answers: Set<() => void>;
}

/** What a call says of where it comes from. */
export interface Caller {
  readonly token: string | undefined;
  readonly installation: string | undefined;
  readonly epoch: string | undefined;
}

/**
 * The agent's side of the handshake, and the session that it leads to. There is one session at a time;
 * a newer one, and the end of this process, end it. When another server takes over, the open answers
 * to the one before are cut, so that neither hears of the other's attempts.
 *
 * Invariants: no session begins before the server has proved the key of the installation that this
 * agent serves; an agent that serves none needs proof of the enrolment secret besides.
 */
export class Sessions {
  readonly #name: string;
  readonly #identity: Identity;
  readonly #secret: Secret | null;
  readonly #isWatched: () => boolean;
  readonly #logger: Logger;
  readonly #handshakes = new Map<string, Handshake>();
  readonly #refusalLoggedMs = new Map<string, number>();
  #session: OpenSession | null = null;

  /** @param isWatched whether the server of the current session is connected */
  constructor(
    name: string,
    identity: Identity,
    secret: Secret | null,
    isWatched: () => boolean,
    logger: Logger,
  ) {
    this.#name = name;
    this.#identity = identity;
    this.#secret = secret;
    this.#isWatched = isWatched;
    this.#logger = logger;
  }

  /** @throws JobctlError `installation_mismatch`, `epoch_outdated`, `invalid_request` */
  begin(hello: ServerHello): AgentHello {
    try {
      return this.#begin(hello);
    } catch (error) {
      this.#logRefusal(error, hello.installation);
      throw error;
    }
  }

  /**
   * @throws JobctlError `unauthorized`, `enrolment_refused`, `installation_mismatch`, `epoch_outdated`, `storage_full`
   */
  async complete(proof: ServerProof): Promise<AgentProof> {
    const handshake = this.#handshakes.get(proof.handshake);
    // Each can be tried once.
    this.#handshakes.delete(proof.handshake);
    try {
      return await this.#complete(proof, handshake);
    } catch (error) {
      this.#logRefusal(error, handshake?.hello.installation ?? null);
      throw error;
    }
  }

  /** @throws JobctlError `unauthorized`, `installation_mismatch`, `epoch_outdated` */
  check({ token, installation, epoch }: Caller): void {
    const session = this.#session;
    if (session === null || token === undefined || !isSameText(token, session.token))
      throw new JobctlError(
        "unauthorized",
        token === undefined
          ? "no session token was sent"
          : "there is no such session: it has ended, or the server may be older than this agent and has none",
        {
          hint: "A server opens a session first (POST /v1/session). One that is older than this agent cannot: upgrade the server.",
        },
      );
    if (installation !== session.installation)
      throw new JobctlError("installation_mismatch", `this call is not of ${session.installation}`);
    if (Number(epoch) !== session.epoch) throw outdated(session.epoch);
  }

  #begin(hello: ServerHello): AgentHello {
    this.#checkInstallation(hello);
    this.#checkEpoch(hello);
    const ephemeral = makeEphemeral();
    const answer = {
      protocol: SESSION_PROTOCOL,
      handshake: randomBytes(16).toString("base64url"),
      name: this.#name,
      key: this.#identity.keys.publicKey,
      nonce: makeNonce(),
      ephemeral: ephemeral.publicKey,
      enrolled: this.#identity.server !== null,
    } as const;
    const transcript = transcriptOf(hello, answer);
    let token: string;
    try {
      token = sessionToken(ephemeral.secretWith(hello.ephemeral), transcript);
    } catch (error) {
      throw new JobctlError("invalid_request", "ephemeral: no secret can be made with this key", {
        cause: error,
      });
    }
    this.#forgetOldHandshakes();
    const { enrolled } = answer;
    const beganMs = performance.now();
    this.#handshakes.set(answer.handshake, { hello, transcript, token, enrolled, beganMs });
    return {
      ...answer,
      signature: signText(proofText("agent", transcript), this.#identity.keys),
    };
  }

  async #complete(proof: ServerProof, handshake: Handshake | undefined): Promise<AgentProof> {
    if (handshake === undefined || performance.now() - handshake.beganMs > HANDSHAKE_MS)
      throw new JobctlError("unauthorized", "this handshake is not under way", {
        hint: `It has to be completed within ${HANDSHAKE_MS / 1000} s.`,
      });
    const { hello, transcript } = handshake;
    if (!isSignedBy(hello.key, proofText("server", transcript), proof.signature))
      throw new JobctlError("unauthorized", "the server does not prove the key that it shows");
    const secrets = this.#secrets;
    const proved = provedSecret(secrets, "server", transcript, proof.macs);
    if (!handshake.enrolled && proved === null) throw notProved(secrets.length > 0);
    // Meanwhile another server may have come first.
    this.#checkInstallation(hello);
    this.#checkEpoch(hello);
    const offered = proved === null ? secrets : [proved];
    if (proof.enrol && offered.length === 0) throw noSecret();
    if (hello.purpose === "work") {
      await this.#pin(hello);
      await this.#identity.raiseEpoch(hello.epoch);
      // Meanwhile a newer one may have come.
      this.#checkEpoch(hello);
      this.#open(handshake.token, hello);
    }
    return {
      macs: proof.enrol ? offered.map((secret) => enrolmentMac(secret, "agent", transcript)) : [],
    };
  }

  /**
   * Has an answer cut when the agent works with another server.
   *
   * @param end cuts it
   * @returns what to call when the answer has been given
   */
  track(end: () => void): () => void {
    const answers = this.#session?.answers;
    answers?.add(end);
    return () => void answers?.delete(end);
  }

  #open(token: string, { installation, epoch, lease }: ServerHello): void {
    const before = this.#session;
    const isSame = before?.lease === lease;
    const answers = isSame ? before.answers : new Set<() => void>();
    this.#session = { token, installation, epoch, lease, answers };
    if (isSame || before === null) return;
    this.#logger.info({ event: "server_replaced", epoch, before: before.epoch });
    for (const end of before.answers) end();
  }

  get #secrets(): readonly string[] {
    return this.#secret?.values.slice(0, MAX_ENROLMENT_SECRETS) ?? [];
  }

  async #pin(hello: ServerHello): Promise<void> {
    if (this.#identity.server !== null) return;
    try {
      await this.#identity.pin({ installation: hello.installation, key: hello.key });
    } catch (error) {
      throw isResourceError(error) ? this.#notPinned(error) : error;
    }
    this.#logger.info({
      event: "agent_enrolled",
      installation: hello.installation,
      serverKey: fingerprintOf(hello.key),
    });
  }

  #notPinned(error: unknown): JobctlError {
    const { code, message } = error as NodeJS.ErrnoException;
    const { path } = this.#identity;
    this.#logger.error({ event: "identity_not_stored", path, err: error });
    return new JobctlError(
      "storage_full",
      `agent ${this.#name} cannot store which installation it serves: ${code ?? message}`,
      {
        hint: "Make room on the volume of its JOBCTL_AGENT_DATA_PATH; its log names the file. The server tries again by itself.",
        cause: error,
      },
    );
  }

  #checkInstallation({ installation, key }: ServerHello): void {
    const pinned = this.#identity.server;
    if (pinned === null || (pinned.installation === installation && pinned.key === key)) return;
    throw new JobctlError(
      "installation_mismatch",
      `agent ${this.#name} serves installation ${pinned.installation} (key ${fingerprintOf(pinned.key)}), and this server is ${installation} (key ${fingerprintOf(key)})`,
      {
        hint: `A server with a new data directory, or restored without --take-over, is another installation. Restore the backup of the agent's own server with jobctl restore --take-over: the agent works with it at once. Only to give the agent to this server for good: stop it, delete ${this.#identity.path} and start it.`,
      },
    );
  }

  /**
   * A server that another one has replaced may still run: whoever is older than the newest one is refused, whether
   * that is connected or not. Of two copies with the same epoch the one that is connected keeps the agent.
   */
  #checkEpoch({ epoch, lease, purpose }: ServerHello): void {
    const newest = this.#identity.epoch;
    if (purpose === "check" || epoch > newest) return;
    if (epoch < newest) throw outdated(newest);
    const session = this.#session;
    if (session === null || session.epoch !== epoch || session.lease === lease) return;
    if (!this.#isWatched()) return;
    throw notAlone(epoch);
  }

  /** Tells operators why servers are refused, without letting strangers fill the log. */
  #logRefusal(error: unknown, installation: string | null): void {
    const { code, message } = toJobctlError(error);
    const nowMs = performance.now();
    if (nowMs - (this.#refusalLoggedMs.get(code) ?? -Infinity) < REFUSAL_LOG_MS) return;
    this.#refusalLoggedMs.set(code, nowMs);
    this.#logger.warn({ event: "session_refused", code, installation }, message);
  }

  #forgetOldHandshakes(): void {
    const oldest = performance.now() - HANDSHAKE_MS;
    for (const [id, { beganMs }] of this.#handshakes) {
      if (beganMs > oldest && this.#handshakes.size < MAX_HANDSHAKES) return;
      this.#handshakes.delete(id);
    }
  }
}

function notProved(hasSecret: boolean): JobctlError {
  return new JobctlError(
    "enrolment_refused",
    hasSecret
      ? "this agent is not enrolled, and the server does not prove that it knows the agent's enrolment secret (JOBCTL_AGENT_TOKEN_FILE)"
      : "this agent is not enrolled and has no enrolment secret (JOBCTL_AGENT_TOKEN_FILE)",
    {
      hint: "Give server and agent the same JOBCTL_AGENT_TOKEN_FILE, or use jobctl agents add URL --one-time.",
    },
  );
}

function noSecret(): JobctlError {
  return new JobctlError(
    "enrolment_refused",
    "the server does not know this agent, which has no enrolment secret to prove",
    { hint: "Set the agent's JOBCTL_AGENT_TOKEN_FILE and start it again." },
  );
}

function notAlone(epoch: number): JobctlError {
  return new JobctlError(
    "epoch_outdated",
    `another server of the same installation with the same epoch ${epoch} is working with this agent`,
    {
      hint: "Two servers run on copies of the same data: stop one of them, for good.",
    },
  );
}

function outdated(epoch: number): JobctlError {
  return new JobctlError(
    "epoch_outdated",
    `this agent has worked with a newer server of the same installation, which has epoch ${epoch}`,
    {
      hint: "Another server has replaced this one: stop this one. jobctl admin leader shows which one is active. If the newer one is gone for good, restore its last backup with --take-over, or start this server once with jobctl-server --take-over.",
    },
  );
}
