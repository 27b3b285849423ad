import type { Rule } from "../../rule.js";
import { programNames } from "../data/programs.js";
import { operands } from "../report.js";
import { hasAnyOption, hasArgument, hasVerb } from "../shared/arguments.js";
import { checkPrograms } from "../shared/network.js";

const OFFLINE = ["--no-index", "--offline", "--no-deps", "-e", "--editable", "--dry-run"];
const CLONES = ["clone", "fetch", "pull", "checkout", "co", "export", "ls-remote", "submodule"];
const REMOTE = /^([\w+]{1,20}(?<!file):\/\/|git@|[\w-]{1,64}@[\w.-]{1,200}:)/;

export const rule = {
  id: "NET-INSTALL",
  family: "network",
  severity: "warning",
  why: "installs or clones from the network, and the job has no network",
  fix: "Prepare the environment beforehand and submit it along, or have it installed on the agents.",
  needsNetwork: true,
  commands: [...programNames("install"), "git", "hg", "svn"],
  check: (invocation, report) => {
    const { name, args } = invocation;
    if (/^(git|hg|svn)$/.test(name)) {
      const clones = hasVerb(args, [...CLONES, "update", "archive"]) && hasArgument(args, REMOTE);
      if (clones || (name === "git" && hasVerb(args, ["fetch", "pull"])))
        report(`${name} fetches from the network`);
      return;
    }
    if (!hasAnyOption(args, OFFLINE) && !isLocal(args))
      checkPrograms("install", invocation, report);
  },
  examples: {
    dangerous: [
      "pip3.11 install numpy",
      "python3 -m pip install -U numpy",
      "conda env create -f env.yml",
      "git -C src clone https://example.org/r.git",
      "git pull",
    ],
    honest: [
      "pip install --no-index -f wheels numpy",
      "pip install ./package.whl",
      "git clone ../repo copy",
      "./pipeline.sh update",
      "npm run install-data",
      "python3 setup.py install",
    ],
  },
} as const satisfies Rule;

/** `pip install ./x.whl`: what is installed is there already. */
function isLocal(args: readonly string[]): boolean {
  const words = operands(args);
  const what = words.slice(words.findIndex((word) => /^(install|add)$/.test(word)) + 1);
  return (
    what.length > 0 &&
    what.every((word) => /^\.{0,2}\/|^\.$|\.(whl|tar\.gz|zip)$/.test(word)) &&
    !what.some((word) => word.includes("://"))
  );
}
