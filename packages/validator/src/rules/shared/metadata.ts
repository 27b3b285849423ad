/** The addresses under which clouds tell a machine what it may do: 169.254.0.0/16, and those of single providers. */
const LINK_LOCAL = 0xa9_fe;
const OTHERS: ReadonlySet<number> = new Set([0x64_64_64_c8, 0xc0_00_00_c0, 0xa8_3f_81_10]);
const NAMES =
  /^(metadata(\.(google|azure|tencentyun|platformequinix|packet|oraclecloud)(\.(internal|com|net))?)?|instance-data(\.ec2\.internal)?|fd00:ec2::254|fd20:ce::254)$/;
/** Whether an argument has what every spelling of such an address has. */
export function mayBeMetadata(argument: string): boolean {
  return MAY_BE.test(argument);
}

const MAY_BE = /\d{3}|0x|ffff|metadata|instance-data/i;

/**
 * The host of an argument, by which it asks a cloud for its credentials; null when it does not.
 *
 * @param isAddress whether the argument is one of a program that asks the network: then a number is an address
 */
export function metadataHost(argument: string, isAddress: boolean): string | null {
  const word = argument.toLowerCase();
  for (const part of word.split(/[/@=,\s"'?#&|]+|\[|\]/)) {
    const host = part.replace(/^([^:]*):\d{1,5}$/, "$1");
    if (/^\d+$|^0x[\da-f]+$/.test(host) && !isAddress && !word.includes("//")) continue;
    if (isMetadataHost(host)) return host;
  }
  return null;
}

function isMetadataHost(host: string): boolean {
  // `metadata` alone is a word as any other: a name needs a dot, or is looked for in addresses below.
  if (NAMES.test(host)) return host !== "metadata";
  const mapped = /^(?:0{0,4}:){2,6}ffff:(.+)$/.exec(host)?.[1];
  const pair = /^([\da-f]{1,4}):([\da-f]{1,4})$/.exec(mapped ?? "");
  if (pair !== null)
    return isOfCloud(
      Number.parseInt(pair[1] ?? "", 16) * 65_536 + Number.parseInt(pair[2] ?? "", 16),
    );
  const bare = (mapped ?? host).replace(/\.(nip|sslip|xip)\.io$/, "");
  const value = ipv4(bare);
  return value !== null && isOfCloud(value);
}

function isOfCloud(value: number): boolean {
  return Math.floor(value / 65_536) === LINK_LOCAL || OTHERS.has(value);
}

/** An address as C reads it: one to four numbers, decimal, octal or hexadecimal; null when it is none. */
function ipv4(text: string): number | null {
  const parts = text.split(".");
  if (parts.length > 4 || text.length > 60) return null;
  const numbers = parts.map(number);
  const last = numbers.pop() ?? null;
  // A number alone is an address only when it is as large as one.
  if (last === null || (parts.length === 1 && last < 0x01_00_00_00)) return null;
  let value = 0;
  for (const part of numbers) {
    if (part === null || part > 255) return null;
    value = value * 256 + part;
  }
  return value * 256 ** (4 - numbers.length) + last;
}

function number(text: string): number | null {
  if (/^0x[\da-f]{1,8}$/.test(text)) return Number.parseInt(text, 16);
  if (/^0[0-7]{1,11}$/.test(text)) return Number.parseInt(text, 8);
  return /^\d{1,10}$/.test(text) ? Number(text) : null;
}
