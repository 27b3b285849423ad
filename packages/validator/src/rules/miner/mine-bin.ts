import type { Rule } from "../../rule.js";

const MINERS =
  /^(xmrig|xmr-stak\S*|minerd|cpuminer\S*|cgminer|bfgminer|ethminer|etcminer|progminer|kawpowminer|t-rex|nbminer|lolminer|phoenixminer|claymore\S*|ccminer|nanominer|gminer|teamredminer|srbminer\S*|xmr-\S*|xmrig-\S+|minergate\S*|nicehash\S*|kryptex|rigel|verthashminer|wildrig\S*|monerod|monero-wallet-\w+|p2pool|onezerominer|bzminer|miniz|ewbf\S*|trex|hellminer|ccminer-\S+|rhminer|astrominer|qubitminer|spectreminer|tnn-miner|deroluna\S*|moneroocean_miner|sugarmaker)(\.(exe|bin|elf|sh))?$/i;

export const rule = {
  id: "MINE-BIN",
  family: "miner",
  severity: "error",
  why: "is a program that mines cryptocurrency",
  fix: "The machines are for research.",
  commands: ["*"],
  check: ({ name }, report) => {
    if (name.length < 60 && MINERS.test(name)) report(`${name} mines cryptocurrency`);
  },
  examples: {
    dangerous: ["./xmrig -c config.json", "nohup ./t-rex &", "srun ./lolMiner"],
    honest: ["./text-miner corpus.txt", "process-mining --log x", "echo xmrig"],
  },
} as const satisfies Rule;
