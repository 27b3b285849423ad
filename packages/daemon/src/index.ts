export { backoffMs, type BackoffSettings } from "./backoff.js";
export { bearerCheck } from "./bearer-auth.js";
export {
  logSettings,
  nameList,
  readEnvironment,
  readLogSettings,
  readTogether,
  seconds,
  wholeNumber,
  type Environment,
} from "./config.js";
export { wallClock, wallInstant } from "./clock.js";
export { ConnectionLimit } from "./connection-limit.js";
export { crashPoint } from "./crash-point.js";
export { replaceFile, syncDirectory } from "./durable.js";
export { FileSystemWatch } from "./file-system-watch.js";
export { freeSpaceOf, lacksInodes } from "./free-space.js";
export { EventLoopWatch, healthOf } from "./health.js";
export { answerWithStream, closedSignal, createHttpApp } from "./http.js";
export {
  enrolmentMac,
  isSameText,
  leaseIdOf,
  makeEphemeral,
  makeNonce,
  proofText,
  provedSecret,
  sessionToken,
  transcriptOf,
} from "./handshake.js";
export { fingerprintOf, isSignedBy, makeKeyPair, signText, type KeyPair } from "./key-pair.js";
export { KeyedEvents } from "./keyed-events.js";
export type { LogSettings, Logger } from "./logger.js";
export { machineMoment, msBetween, type Moment } from "./machine-clock.js";
export { tellParent, type ReadyMessage, type StartFailedMessage } from "./parent.js";
export { shutDownOnSignal, type ShutdownStep } from "./shutdown.js";
export { metricsSettings, type MetricsAccess } from "./metrics-access.js";
export { Metrics } from "./metrics.js";
export {
  openSession,
  type Installation,
  type Session,
  type SessionRequest,
} from "./open-session.js";
export { requirePlainPath } from "./plain-path.js";
export { parseRange, type ByteRange } from "./range.js";
export { RequestsUnderWay } from "./requests.js";
export { Secret } from "./secret.js";
export { sendFile, type FileAnswer } from "./send-file.js";
export { signalWithin } from "./signal-within.js";
export { startDaemon } from "./start.js";
export { callAfter } from "./timers.js";
export { warnOfShortSecret } from "./warn-of-short-secret.js";
export { writeStream, type WrittenFile } from "./write-stream.js";
