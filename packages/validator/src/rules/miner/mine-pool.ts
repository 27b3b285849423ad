import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { TEXT_COMMANDS } from "../data/writers.js";
import { hasMinerOptions, isOfMiner } from "../shared/miner.js";

/** Commands that set variables. */
const SETS = /^(export|declare|typeset|readonly|local)$/;
/** Commands that look for text. */
const SEARCHES = /^([ezf]?grep|sed|[gmn]?awk|rg|pgrep|pkill)$/;

export const rule = {
  id: "MINE-POOL",
  family: "miner",
  severity: "error",
  why: "connects to a mining pool",
  fix: "The machines are for research.",
  commands: ["*"],
  check: ({ name, args }, report) => {
    const isText = TEXT_COMMANDS.has(name) && !SETS.test(name);
    if (isText || SEARCHES.test(name)) return;
    if (isOfMiner(args.join(" "))) {
      const pool = args.find(isOfMiner);
      report(`${readable((pool ?? args.join(" ")).slice(0, 200))} belongs to a miner`);
    } else if (hasMinerOptions(args)) report(`${name} is told of a pool as miners are`);
  },
  examples: {
    dangerous: [
      "./worker -o stratum+tcp://pool.example.org:3333",
      "./solver -o pool.example.org:4444 -u wallet.rig1 -p x",
      "./python3.9 --donate-level 1 -t 8",
      "POOL=stratum+tcp://pool.example.org:3333 ./worker",
      "export POOL=stratum+ssl://pool.example.org:3333",
      "./kthreadd -a rx/0 --url=192.0.2.7:3333",
      'cat > config.json <<< \'{"pools": [{"url": "h:3333", "user": "w"}]}\'',
    ],
    honest: [
      "echo stratum+tcp://pool.example.org",
      "mysql -u reader -p -o out.txt",
      "./solve -a cn -o result:final -u 3",
      "./stratify --strata 3",
      'cat > config.json <<< \'{"pools": [3, 4], "mode": "max"}\'',
    ],
  },
} as const satisfies Rule;
