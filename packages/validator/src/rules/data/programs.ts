import type { NetworkProgram, NetworkUse } from "./network-program.js";
import { FETCH } from "./programs-fetch.js";
import { INSTALL } from "./programs-install.js";
import { CONNECT, LISTEN, REMOTE, SCAN, TUNNEL } from "./programs-remote.js";
import { UPLOAD } from "./programs-upload.js";

const PROGRAMS: Readonly<Record<NetworkUse, readonly NetworkProgram[]>> = {
  connect: CONNECT,
  fetch: FETCH,
  upload: UPLOAD,
  remote: REMOTE,
  tunnel: TUNNEL,
  listen: LISTEN,
  scan: SCAN,
  install: INSTALL,
};

/** The names of the programs that use the network in one way, as a rule lists its commands. */
export function programNames(use: NetworkUse): string[] {
  return [...new Set(PROGRAMS[use].flatMap(({ names }) => names))];
}

/** What is known of a program's use of the network in one way. */
export function programsNamed(use: NetworkUse, name: string): NetworkProgram[] {
  return PROGRAMS[use].filter(({ names }) =>
    names.some((own) => own === name || (own.endsWith("*") && isVersionOf(name, own.slice(0, -1)))),
  );
}

/** `python3.11`, not `python-config`. */
function isVersionOf(name: string, base: string): boolean {
  return name.startsWith(base) && /^[\d.]{0,12}$/.test(name.slice(base.length));
}
