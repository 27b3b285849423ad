import type { Rule } from "../../rule.js";
import { isSystemProgram } from "../../unwrap.js";
import { isSecretName } from "../data/secret-names.js";
import { operands } from "../report.js";
import { hasVerb } from "../shared/arguments.js";

/** Verbs with which clients print credentials. */
const PRINTS: Readonly<Record<string, readonly string[]>> = {
  aws: [
    ...["sts get-session-token", "sts assume-role", "secretsmanager get-secret-value"],
    ...["iam list-access-keys", "iam create-access-key", "ssm get-parameter", "ssm get-parameters"],
    ...["configure list", "configure export-credentials", "configure get"],
    ...["ecr get-login-password", "ecr get-authorization-token", "sts get-federation-token"],
  ],
  gcloud: [
    ...["auth print-access-token", "auth print-identity-token", "secrets versions"],
    ...["auth application-default", "config config-helper", "iam service-accounts keys"],
  ],
  az: ["account get-access-token", "keyvault secret", "ad sp", "storage account keys"],
  kubectl: ["get secret", "get secrets", "describe secret", "create token"],
  oc: ["get secret", "get secrets", "whoami -t"],
  vault: ["kv get", "read", "token", "login", "print"],
  op: ["read", "item get", "get"],
  bw: ["get", "list", "export"],
  lpass: ["show", "export"],
  pass: ["show", "ls", "grep"],
  "secret-tool": ["lookup", "search"],
  keyctl: ["print", "read", "pipe", "show"],
  security: ["find-generic-password", "find-internet-password", "dump-keychain"],
  gh: ["auth token", "auth status"],
  git: ["credential fill", "credential-store get", "credential-cache get"],
  doctl: ["auth init"],
  heroku: ["auth:token", "config"],
  snapctl: ["get"],
};

export const rule = {
  id: "SECRET-KEYS",
  family: "secrets",
  severity: "error",
  why: "prints keys or credentials",
  fix: "Jobs need no credentials.",
  commands: [...Object.keys(PRINTS), "gpg", "gpg2", "ssh-add", "printenv", "declare", "typeset"],
  check: (invocation, report) => {
    if (!isSystemProgram(invocation)) return;
    const { name, args } = invocation;
    const verbs = Object.hasOwn(PRINTS, name) ? PRINTS[name] : undefined;
    if (verbs !== undefined && hasVerb(args, verbs)) report(`${name} prints credentials`);
    if (name.startsWith("gpg") && args.some((arg) => arg.startsWith("--export-secret")))
      report("gpg prints secret keys");
    if (name === "ssh-add" && args.some((arg) => /^-[lL]$/.test(arg)))
      report("ssh-add lists keys", "warning");
    const isAsked = name === "printenv" || (args[0] ?? "").startsWith("-p");
    const variable = isAsked ? operands(args).find(isSecretName) : undefined;
    if (variable !== undefined) report(`${name} prints ${variable}`);
  },
  examples: {
    dangerous: [
      'echo "$STORE_API_KEY" | base64',
      "printf '%s\\n' \"${DB_PASSWORD}\"",
      "n=GITHUB_TOKEN; echo ${!n}",
      "printenv HF_TOKEN",
      "aws --region x sts get-session-token",
      "git credential fill < request",
      "gpg --export-secret-keys",
    ],
    honest: [
      'echo "$HF_TOKEN" | huggingface-cli login',
      'echo "$SLURM_JOB_ID"',
      "printenv PATH",
      "./op get --all",
      'echo "$SECRET_SEED"',
      "aws sts get-caller-identity",
      "git commit -m 'credential fill'",
      "echo ${API_TOKEN:+set}",
    ],
  },
} as const satisfies Rule;
