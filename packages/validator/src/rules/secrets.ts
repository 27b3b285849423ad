import { FETCHERS } from "./data/text-sources.js";
import type { CommandRule } from "./report.js";

const ENVIRONMENT = new Set(["env", "printenv", "set", "export", "declare", "compgen"]);
const SENDERS = new Set(["mail", "mailx", "sendmail", "mutt", "telnet", "nslookup", "dig"]);
const SECRET_NAME =
  /id_(rsa|dsa|ecdsa|ed25519)|\.pem\b|\.p12\b|passw(or)?d|secret|credential|api[_-]?key|token|AKIA|BEGIN .*PRIVATE KEY|private[ _-]?key|\.kdbx|wallet\.dat|(^|[\s/*'"])\.env\b|\.aws\b|\.ssh\b|\.netrc|authorized_keys|shadow/i;
const WIDE = /^(\/|\/home|\/root|\/etc|\/var|\/opt|\/srv|\/mnt|\uE002|~|\/proc)(\/\*?)?$/;

export const secretRules: CommandRule = ({ name, args }, found) => {
  const text = args.join(" ");
  if (/^([ezf]?grep|rg|ag|ack|find|locate|mlocate|fd)$/.test(name)) {
    const wide = args.some((arg) => WIDE.test(arg)) || /locate$/.test(name);
    if (wide && SECRET_NAME.test(text))
      found("SECRET-HUNT", `${name} searches the machine for secrets`);
    if (name === "find" && /-perm\s+[-/]?\+?(u=s|g=s|u\+s|[2467]000|\+s)/.test(text))
      found("RECON-SETUID", "find searches for programs that run as another user");
  }
  if (name === "getcap" && /(^|\s)-\w*r/.test(text))
    found("RECON-SETUID", "getcap searches for programs with rights of their own");
  if (
    /^(linpeas|linenum|lse|pspy\w*|linux-exploit-suggester|mimipenguin|lazagne)(\.\w+)?$/i.test(
      name,
    )
  )
    found("RECON-SETUID", `${name} looks for weaknesses of the machine`);
  if (name === "gpg" && /--export-secret/.test(text))
    found("SECRET-KEYS", "gpg prints secret keys");
  if (name === "ssh-add" && /-L|-l/.test(text))
    found("SECRET-KEYS", "ssh-add lists keys", "warning");
  if (
    /^(aws|gcloud|az)$/.test(name) &&
    /get-session-token|get-secret-value|print-access-token|get-access-token|assume-role|list-access-keys|configure (list|export)/.test(
      text,
    )
  )
    found("SECRET-KEYS", `${name} prints credentials`);
};

/** Variables that hold credentials, by the habits of their names. */
export function isSecretName(name: string): boolean {
  return (
    /^(AWS_(SECRET|SESSION|ACCESS)\w*|GITHUB_TOKEN|JOBCTL_\w*TOKEN\w*|KUBE_TOKEN|VAULT_TOKEN|AZURE_CLIENT_SECRET|DATABASE_URL|PGPASSWORD|MYSQL_PWD)$/.test(
      name,
    ) ||
    /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|SECRET_KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)$/.test(
      name,
    )
  );
}

/** Whether the environment goes through a pipe into the network. */
export function sendsEnvironment(
  name: string,
  input: { readonly upstream: readonly string[] },
): boolean {
  return (
    (FETCHERS.has(name) || SENDERS.has(name)) &&
    input.upstream.some((other) => ENVIRONMENT.has(other))
  );
}
