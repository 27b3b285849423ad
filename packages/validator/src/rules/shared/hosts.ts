/** Services of the machine itself that are not the job's: container engines and their clusters. */
const OF_THE_MACHINE = /:(2375|2376|6443|8001|9000|10250|10255)(\/|$)/;
const LOCAL = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?|0\.0\.0\.0)(?=[:/]|$)/;

/** The part of an address from the host on: `http://me@host:80/x` without what stands before the host. */
function fromHost(address: string): string {
  return address.replace(/^["']?[a-z][\w+.-]{0,15}:\/\//i, "").replace(/^[\w.-]{1,64}@/, "");
}

/** Whether an address, or a host, is the machine that the job runs on, and a service that may be its own. */
export function isLocal(address: string): boolean {
  const host = fromHost(address.slice(0, 300));
  return LOCAL.test(host) && !OF_THE_MACHINE.test(host);
}

/** Options whose value is a file or text, and no address. */
const VALUED = /^(-o|-O|-H|-w|-W|-X|-u|-A|-p|--(output|header|user|request|timeout|max-time))$/;

/**
 * Whether all hosts that a command names are the job's own machine; not when it names none. Whatever may be an address
 * counts as one.
 */
export function staysLocal(args: readonly string[]): boolean {
  let local = false;
  for (const [at, arg] of args.entries()) {
    if (arg.startsWith("-") && !arg.includes("=")) continue;
    const word = arg.replace(/^--?[\w-]{1,40}=/, "").slice(0, 300);
    if (isLocal(word)) local = true;
    else if (/:\/\//.test(word)) return false;
    else if (!VALUED.test(args[at - 1] ?? "") && /^[^/\s]*[.:@]/.test(word)) return false;
  }
  return local;
}
