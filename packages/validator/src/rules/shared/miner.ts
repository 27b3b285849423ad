import { matches } from "./arguments.js";

const POOLS =
  /\b(nanopool|minexmr|supportxmr|moneroocean|2miners|ethermine|f2pool|nicehash|hashvault|herominers|unmineable|c3pool|flypool|viabtc|antpool|slushpool|poolin|minergate|xmrpool|kryptex|woolypooly|zpool\.ca|miningpoolhub|gulf\.moneroocean|prohashing|zergpool|mining-dutch|rplant|luckpool|raptoreum)\.\w/i;
const STRATUM = /\bstratum\d?(\+\w{2,6})?:\/\/|\bstratum\d\+/i;
const OPTIONS =
  /(^|\s)--(donate-level|coin=|nicehash|randomx-\w+|cpu-max-threads-hint|rig-id|no-huge-pages|asm=|argon2-impl|cuda-bfactor|opencl-platform)|(^|\s)(-a|--algo)[= ]?(rx(\/\w+)?|cn\/\w+|cryptonight\S*|randomx\S*|ethash|etchash|kawpow|autolykos2?|argon2\/\w+|ghostrider|verushash|equihash\S*|yespower\S*|scrypt|x16\w*|kheavyhash)(\s|$)|\brandomx\b/i;
/** An address of Monero. */
const WALLET = /(^|[\s."'=:,/])[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}(?![1-9A-HJ-NP-Za-km-z])/;
/** Whether an argument is one that miners are given. */
export function isOfMiner(text: string): boolean {
  return [POOLS, STRATUM, OPTIONS, WALLET].some((pattern) => matches(text, pattern));
}

/** `-o host:port -u wallet -p x`: how miners are told where to go, whatever they are called. */
export function hasMinerOptions(args: readonly string[]): boolean {
  const valueOf = (option: RegExp): string => {
    const at = args.findIndex((arg) => option.test(arg));
    if (at === -1) return "";
    return /=(.*)$/.exec((args[at] ?? "").slice(0, 500))?.[1] ?? args[at + 1] ?? "";
  };
  const pool = valueOf(/^(-o|--url(=|$)|--pool(=|$)|-P$)/).slice(0, 300);
  if (!/^[\w.-]{1,200}:\d{2,5}$/.test(pool)) return false;
  const user = valueOf(/^(-u|--user(=|$)|--wallet(=|$))/).slice(0, 300);
  return user !== "" && (valueOf(/^(-p|--pass(=|$))/) !== "" || /^[\w]{30,}/.test(user));
}

/** Whether a text that the script writes configures a miner. */
export function minerText(text: string): boolean {
  const has = (pattern: RegExp): boolean => matches(text, pattern);
  return (
    has(STRATUM) ||
    has(WALLET) ||
    ((has(POOLS) || has(OPTIONS)) && has(/pool|algo|wallet|url/i)) ||
    (has(/"pools"\s{0,20}:\s{0,20}\[/) && has(/"url"\s{0,20}:\s{0,20}"[^"]{1,200}:\d/))
  );
}
