import { JobctlError } from "@jobctl/protocol/error";

import { CONFIG_KEYS, setUserValue, userConfigPath, type ConfigKey } from "../config.js";
import { runCommand, type CommonFlags } from "../command.js";
import { formatTable } from "../table.js";

export interface ConfigShowFlags extends CommonFlags {
  readonly origin?: boolean;
}

export async function configShow(flags: ConfigShowFlags): Promise<void> {
  await runCommand(flags, async ({ config, output }) => {
    const items = Object.entries(config.settings).map(([key, { value, origin }]) => ({
      key,
      value: value !== null && CONFIG_KEYS[key as ConfigKey].secret ? "(set)" : value,
      origin,
    }));
    if (output.flags.json)
      return output.json({ schema: "jobctl.config/v1", items, nextCursor: null });
    const columns = [
      { key: "key", title: "KEY", human: (item: (typeof items)[number]) => item.key },
      { key: "value", title: "VALUE", human: (item: (typeof items)[number]) => item.value ?? "-" },
      ...(flags.origin === true
        ? [{ key: "origin", title: "ORIGIN", human: (item: (typeof items)[number]) => item.origin }]
        : []),
    ];
    const lines = await formatTable(items, columns, {
      interactive: output.interactive,
      header: true,
    });
    output.styled(lines);
  });
}

export async function configSet(
  key: string,
  value: string | undefined,
  flags: CommonFlags,
): Promise<void> {
  await runCommand(flags, async ({ output }) => {
    const path = setUserValue(key, await valueFor(key, value), process.env);
    if (output.flags.json) output.json({ schema: "jobctl.config-path/v1", path });
    else output.note(`${key} is set in ${path}`);
  });
}

/** A secret is read from standard input: what stands on the command line, every process can see. */
async function valueFor(key: string, value: string | undefined): Promise<string> {
  const secret = Object.hasOwn(CONFIG_KEYS, key) && CONFIG_KEYS[key as ConfigKey].secret;
  if (secret && value === undefined) return (await readStdin()).trim();
  if (!secret && value !== undefined) return value;
  throw new JobctlError(
    "usage",
    secret
      ? `${key} is not taken from the command line, where others can read it`
      : `a value for ${key} is missing`,
    {
      hint: secret
        ? `Give it on standard input: jobctl config set ${key} < FILE`
        : `jobctl config set ${key} VALUE`,
    },
  );
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export async function configPath(flags: CommonFlags): Promise<void> {
  await runCommand(flags, async ({ output }) => {
    const path = userConfigPath(process.env);
    if (output.flags.json) output.json({ schema: "jobctl.config-path/v1", path });
    else output.line(path);
  });
}
