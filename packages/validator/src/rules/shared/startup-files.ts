/**
 * Whether a file of /etc is one that the machine runs by itself: at its start, at a login, at a time.
 *
 * @param path normalized
 */
export function isMachineStartupFile(path: string): boolean {
  return /^\/etc\/(cron|profile|bash|systemd|init|rc)/.test(path);
}
