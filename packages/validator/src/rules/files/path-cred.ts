import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { hasOption, operands } from "../report.js";
import { isCredential } from "../shared/credentials.js";

export const rule = {
  id: "PATH-CRED",
  family: "files",
  severity: "error",
  why: "touches passwords or keys",
  fix: "Jobs need no credentials; give the job what it needs as a file of its own.",
  commands: ["cp", "getent", "tar", "zip", "7z", "rsync"],
  check: ({ name, args }, report) => {
    const files = operands(args);
    if (name === "getent") {
      if (/^g?shadow$/.test(files[0] ?? "")) report("getent prints the passwords of the machine");
      return;
    }
    const recursive = name !== "cp" || hasOption(args, "raR", "--recursive");
    if (recursive && files.some((path) => /^\/(etc|root|home)\/?$/.test(path)))
      report(`${name} takes the machine's configuration along`, "warning");
    // `tar -C ~ .ssh`
    if (name === "tar" && files.some((path) => /^(\.\/)?\.(ssh|gnupg|aws|kube)\/?$/.test(path)))
      report("tar takes keys along");
  },
  checkFile: ({ path, normal }, report) => {
    if (isCredential(normal)) report(`${readable(path)} holds credentials`);
  },
  followsPaths: true,
  examples: {
    dangerous: [
      "cat /etc/shadow",
      "sort -u < /../../etc/gshadow",
      "cat ../../../../../etc/shadow",
      "cat /proc/self/root/etc/shadow",
      "base64 ~/.ssh/id_ed25519",
      "tar -czf keys.tgz -C ~ .ssh",
      "cat /{etc,tmp}/shadow",
      "getent shadow",
      "cat /var/spool/slurmd/job*/slurm_script",
    ],
    honest: [
      "cat ~/.ssh/id_rsa.pub",
      "cp etc/shadow-map.csv out/",
      "cat /etc/hostname",
      'cp "/var/spool/slurmd/job$SLURM_JOB_ID/slurm_script" run-copy.sh',
      "getent group",
      "chmod 600 ~/.ssh/id_rsa",
    ],
  },
} as const satisfies Rule;
