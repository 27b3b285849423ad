/**
 * The time of day, in milliseconds since 1970: for time stamps, and for comparing with stored ones. It
 * can be set at any moment, so the difference of two of them is not a duration.
 */
export function wallClock(): number {
  return Date.now();
}

/** The time of day as an instant of the protocol. */
export function wallInstant(): string {
  return new Date(wallClock()).toISOString();
}
