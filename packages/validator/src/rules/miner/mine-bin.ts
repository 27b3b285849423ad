import type { Rule } from "../../rule.js";
import { TEXT_COMMANDS } from "../data/writers.js";
import { baseName } from "../shared/arguments.js";

/** Commands that only look for a text. */
const SEARCHES = /^([ezf]?grep|sed|[gmn]?awk|rg|pgrep|pkill|killall|find|ls|rm)$/;
/** Commands whose arguments are files. */
const HANDLES = /^(cp|mv|ln|chmod|install|strip|upx|setcap)$/;

const MINERS =
  /^(xmrig|xmr-stak\S*|minerd|cpuminer\S*|cgminer|bfgminer|ethminer|etcminer|progminer|kawpowminer|t-rex|nbminer|lolminer|phoenixminer|claymore\S*|ccminer|nanominer|gminer|teamredminer|srbminer\S*|xmr-\S*|xmrig-\S+|minergate\S*|nicehash\S*|kryptex|rigel|verthashminer|wildrig\S*|monerod|monero-wallet-\w+|p2pool|onezerominer|bzminer|miniz|ewbf\S*|trex|hellminer|ccminer-\S+|rhminer|astrominer|qubitminer|spectreminer|tnn-miner|deroluna\S*|moneroocean_miner|sugarmaker)(\.(exe|bin|elf|sh))?$/i;

export const rule = {
  id: "MINE-BIN",
  family: "miner",
  severity: "error",
  why: "is a program that mines cryptocurrency",
  fix: "The machines are for research.",
  commands: ["*"],
  check: ({ name, args }, report) => {
    if (isMiner(name)) return report(`${name} mines cryptocurrency`);
    if (TEXT_COMMANDS.has(name) || SEARCHES.test(name)) return;
    const given = args.find(
      (arg) => (HANDLES.test(name) || arg.includes("/")) && isMiner(baseName(arg)),
    );
    if (given !== undefined)
      report(`${name} is given ${baseName(given)}, which mines cryptocurrency`);
  },
  examples: {
    dangerous: [
      "cpulimit -l 50 -- ./xmrig",
      "mv xmrig python3",
      "./xmrig -c config.json",
      "nohup ./t-rex &",
      "srun ./lolMiner",
    ],
    honest: [
      "python3 train.py --model t-rex",
      "pkill -f ./xmrig",
      "./text-miner corpus.txt",
      "process-mining --log x",
      "echo xmrig",
    ],
  },
} as const satisfies Rule;

function isMiner(name: string): boolean {
  return name.length < 60 && MINERS.test(name);
}
