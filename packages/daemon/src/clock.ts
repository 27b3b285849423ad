/**
 * The time of day, in milliseconds since 1970: for time stamps, and for comparing with stored ones. It
 * can be set at any moment, so the difference of two of them is not a duration.
 */
export function wallClock(): number {
  return Date.now();
}
