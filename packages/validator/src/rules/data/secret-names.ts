/** Parts of names, between `_`, that only credentials have. */
const PARTS = new Set([
  ...[
    "TOKEN",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDENTIALS",
  ],
  ...["APIKEY", "PRIVKEY", "AUTHKEY"],
]);
const ENDS =
  /(^|_)(API|ACCESS|SECRET|PRIVATE|AUTH|ENCRYPTION|SIGNING|ACCOUNT|DEPLOY|SERVICE)_KEY(_ID)?$/;
const PASSWORDS =
  /^(DB|FTP|SMTP|MAIL|EMAIL|USER|ADMIN|ROOT|SSH|SUDO|MYSQL|PG|POSTGRES|REDIS|MONGO|LDAP|PROXY)_?(PASS|PWD|PW)$/;
const WHOLE =
  /^(PGPASSWORD|MYSQL_PWD|PGPASSFILE|DATABASE_URL|REDIS_URL|MONGO_URI|SSH_PRIVATE_KEY|AWS_(SECRET|SESSION|ACCESS)\w*|GOOGLE_APPLICATION_CREDENTIALS|GITHUB_PAT|GH_PAT|DOCKER_AUTH_CONFIG|KUBECONFIG_DATA)$/;
/** Parts that make a count, a limit or a path of it. */
const HARMLESS =
  /(^|_)(MAX|MIN|NUM|N|COUNT|LEN|LENGTH|SIZE|FILE|PATH|DIR|ID|TYPE|PAD|EOS|BOS|MASK|SEED|STEP|STEPS|NAME)(_|$)/;

/** Variables that hold credentials, by the habits of their names. */
export function isSecretName(name: string): boolean {
  if (name.length > 100) return false;
  const upper = name.toUpperCase();
  if (WHOLE.test(upper) || ENDS.test(upper) || PASSWORDS.test(upper)) return true;
  return !HARMLESS.test(upper) && upper.split("_").some((part) => PARTS.has(part));
}

/** Beginnings under which all variables are listed for what they hold: `${!AWS_*}`. */
export function isSecretPrefix(prefix: string): boolean {
  return /^(AWS|GITHUB|GITLAB|GH|AZURE|GOOGLE|GCP|VAULT|KUBE|DOCKER|NPM|HF|OPENAI|ANTHROPIC|SLACK|JOBCTL|DB|PG|MYSQL|CI|TOKEN|SECRET|API|PASS|AUTH|KEY|CRED)_?$/i.test(
    prefix.slice(0, 40),
  );
}

/** Words by which a list of variables is searched for credentials. */
export const SOUGHT =
  /secret|token|passw|passphrase|\bpass\b|\bpass[|"'\\/]|[|"'/]pass\b|credential|\bcred|api[_-]?key|access[_-]?key|private[_-]?key|[|"'/ _]key[s]?\b|^key|\baws|\bgithub_|_key\b/i;

/** Commands that list the variables of the environment. */
export const LISTS_VARIABLES: ReadonlySet<string> = new Set([
  ...["env", "printenv", "set", "export", "declare", "typeset", "compgen", "readonly", "local"],
]);
