import type { Rule } from "../../rule.js";

/** What deletes whole stores or machines, by the words of the command. */
const DELETES: Readonly<Record<string, RegExp>> = {
  aws: /^s3 (rb|rm\b.* --recursive)|^s3api delete-(bucket|objects)|^\S+ (terminate|delete)-/,
  gsutil: /(^| )(rb|rm( -\w{1,5})* -\w{0,3}[rR])( |$)/,
  gcloud: /(^| )delete( |$)/,
  az: /(^| )delete(-batch)?( |$)/,
  s3cmd: /(^| )(rb|(del|rm)\b.* (-r|--recursive))/,
  terraform: /^(destroy|apply\b.* -destroy)/,
  pulumi: /^destroy/,
  heroku: /^(apps|pg):(destroy|reset)/,
  openstack: /(^| )delete( |$)/,
};

export const rule = {
  id: "DEL-CLOUD",
  family: "destructive",
  severity: "error",
  why: "deletes data or machines of a cloud",
  fix: "Leave it to somebody who looks at what is deleted.",
  needsNetwork: true,
  commands: Object.keys(DELETES),
  check: ({ name, args }, report) => {
    if (DELETES[name]?.test(args.join(" ").slice(0, 1000)) === true)
      report(`${name} deletes what cannot be brought back`);
  },
  examples: {
    dangerous: [
      "aws s3 rm s3://lab --recursive",
      "terraform destroy -auto-approve",
      "gsutil -m rm -r gs://lab",
    ],
    honest: ["aws s3 ls s3://lab", "terraform plan", "az account show"],
  },
} as const satisfies Rule;
