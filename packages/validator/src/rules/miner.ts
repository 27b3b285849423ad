import { readable } from "../characters.js";
import type { CommandRule } from "./report.js";

const MINERS =
  /^(xmrig|xmr-stak\S*|minerd|cpuminer\S*|cgminer|bfgminer|ethminer|t-rex|nbminer|lolminer|phoenixminer|claymore\S*|ccminer|nanominer|gminer|teamredminer|srbminer\S*|xmr-\S*|minergate\S*|nicehash\S*|kryptex|rigel|verthashminer|wildrig\S*|monerod|p2pool|kawpowminer|xmrig-\S+)$/i;
const POOL =
  /stratum\+?\w{0,10}:\/\/|\b(nanopool|minexmr|supportxmr|moneroocean|2miners|ethermine|f2pool|nicehash|hashvault|herominers|unmineable|c3pool|nanopool|flypool|viabtc|antpool|slushpool|poolin|minergate|xmrpool|kryptex)\.\w+|--(donate-level|coin=|algo[= ]?(rx|cn|randomx|ethash|kawpow)|nicehash|randomx-\w+|cpu-max-threads-hint)|\brandomx\b|stratum\d\+/i;

/** Commands whose arguments are text. */
const TEXT = new Set(["echo", "printf", "grep", "sed", "awk", "logger", "test", "["]);

export const minerRules: CommandRule = ({ name, args }, found) => {
  if (MINERS.test(name)) found("MINE-BIN", `${name} mines cryptocurrency`);
  const pool = args.find((arg) => POOL.test(arg));
  if (pool !== undefined && !TEXT.has(name))
    found("MINE-POOL", `${readable(pool)} belongs to a miner`);
};

/** Whether a text that the script writes configures a miner. */
export function minerText(text: string): boolean {
  return (
    /stratum\d?\+\w{1,10}:\/\//i.test(text) ||
    (POOL.test(text) && /pool|algo|wallet|url/i.test(text))
  );
}
