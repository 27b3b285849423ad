/** Version of this build; all packages are released together. */
export const VERSION = "0.1.0";

/** Header in which the command line says its version. */
export const VERSION_HEADER = "jobctl-version";

export type Compatibility = "ok" | "upgrade_client" | "upgrade_server";

/**
 * Whether a client and a server of these versions understand each other: they do within one
 * major version, and before 1.0 within one minor version.
 */
export function compatibility(client: string, server: string): Compatibility {
  const [ours, theirs] = [epoch(client), epoch(server)];
  if (ours === null || theirs === null || ours === theirs) return "ok";
  return ours < theirs ? "upgrade_client" : "upgrade_server";
}

/** One number that changes with every incompatible release; null for what is not a version. */
function epoch(version: string): number | null {
  const parts = /^(\d+)\.(\d+)\./.exec(version);
  if (parts === null) return null;
  const [major, minor] = [Number(parts[1]), Number(parts[2])];
  return major === 0 ? minor : major * 1_000_000;
}
