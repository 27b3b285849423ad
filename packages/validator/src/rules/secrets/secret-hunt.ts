import { HOME } from "../../characters.js";
import { targetOf } from "../../tree.js";
import type { Rule } from "../../rule.js";
import type { Input } from "../../inputs.js";
import { LISTS_VARIABLES, SOUGHT } from "../data/secret-names.js";
import { hasArgument } from "../shared/arguments.js";
import { huntsInCode } from "../shared/secret-code.js";

const SECRET_FILE =
  /id_(rsa|dsa|ecdsa|ed25519)|\.pem\b|\.p12\b|\.pfx\b|\.ppk\b|\.jks\b|passw(or)?d|secret|credential|api[_-]?key|token|AKIA|BEGIN .{0,20}PRIVATE KEY|private[ _-]?key|\.kdbx|wallet\.dat|(^|[\s/*'"])\.env\b|\.aws\b|\.ssh\b|\.netrc|authorized_keys|shadow|\.htpasswd|\.pgpass|_history\b|\.kube\b/i;
const WIDE =
  /^(\/|\/home|\/root|\/etc|\/var|\/opt|\/srv|\/mnt|\/usr|\/tmp|\/run|~|\/proc|\/var\/(lib|www|backups)|\/home\/[\w.*?-]{1,64}|(\.\.\/){3,20}\.?\.?)(\/\.?\*?)?$/;
const SEARCHES = [
  ...["grep", "egrep", "fgrep", "zgrep", "rgrep", "rg", "ag", "ack", "ugrep", "find", "locate"],
  ...[
    "mlocate",
    "plocate",
    "fd",
    "fdfind",
    "sed",
    "awk",
    "gawk",
    "mawk",
    "nawk",
    "perl",
    "strings",
  ],
];
/** What says what others did, or what processes were given. */
const CONFIDENTIAL = /\/proc\/[^/]{1,40}\/(environ|cmdline)/;

export const rule = {
  id: "SECRET-HUNT",
  family: "secrets",
  severity: "error",
  why: "searches the machine for passwords or keys",
  fix: "Jobs need no credentials of the machine.",
  commands: [...SEARCHES, "python*", "node", "ruby*", "php*", "ps"],
  check: ({ name, args }, report, { input }) => {
    const seeks = (pattern: RegExp): boolean => hasArgument(args, pattern);
    if (name === "ps") {
      if (/^[aux]{0,3}e(ww?|w)?$/.test(args[0] ?? "") && !/^e$/.test(args[0] ?? ""))
        report("ps shows the environments of processes");
    } else if (huntsInCode(name, args)) report(`the ${name} code looks for credentials`);
    else if (!SEARCHES.includes(name)) return;
    else if (/awk$/.test(name) && seeks(/\bin\s+ENVIRON\b/) && seeks(SOUGHT))
      report(`${name} looks for credentials in the environment`);
    else if (listsConfidential(input) && seeks(SOUGHT))
      report(`${name} looks for credentials in what is listed`);
    else if (/^(find|fd|fdfind|\w*locate|\w*grep|rg|ag|ack)$/.test(name)) {
      const isWide =
        args.some((arg) => WIDE.test(arg.slice(0, 200).replace(HOME, "~"))) ||
        name.endsWith("locate");
      if (isWide && seeks(SECRET_FILE)) report(`${name} searches the machine for secrets`);
      else if (seeks(CONFIDENTIAL) && seeks(SOUGHT))
        report(`${name} looks for credentials in environments`);
    }
  },
  examples: {
    dangerous: [
      "set | grep -iE 'KEY|SECRET'",
      "declare -p | grep -i token",
      "compgen -v | grep PASSWORD",
      "env | awk -F= '/TOKEN/ {print $2}'",
      "tr '\\0' '\\n' < /proc/self/environ | grep -i secret",
      "cat /proc/self/environ | tr '\\0' '\\n' | grep API_KEY",
      "history | grep -i passw",
      "grep -rli password /home/*",
      "find ~ -name 'id_rsa*'",
      'for v in ${!AWS_@}; do echo "$v"; done',
      "python3 -c 'import os; print([k for k in os.environ if \"SECRET\" in k])'",
      "ps auxeww",
      "awk 'BEGIN { for (k in ENVIRON) if (k ~ /TOKEN/) print ENVIRON[k] }'",
      "env | while read -r line; do case $line in *SECRET*) echo found ;; esac; done",
    ],
    honest: [
      "env | grep -E 'SLURM|CUDA|OMP'",
      "set | grep BASH_VERSION",
      "grep -c token data/vocab.txt",
      "find . -name '*.pem'",
      "python3 -c 'import os; print(os.environ[\"OMP_NUM_THREADS\"])'",
      "ps -ef",
      "ps aux",
    ],
  },
} as const satisfies Rule;

function listsConfidential({ upstream, sources, before }: Input): boolean {
  const read = before.flatMap((node) => (node.type === "Command" ? node.redirects : []));
  return (
    read.flatMap(targetOf).some(({ value }) => CONFIDENTIAL.test(value.slice(0, 200))) ||
    upstream.some((other) => LISTS_VARIABLES.has(other) || other === "history") ||
    sources.some(({ args }) => args.some((arg) => CONFIDENTIAL.test(arg.slice(0, 200))))
  );
}
