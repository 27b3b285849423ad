import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import * as agent from "@jobctl/agent";
import * as server from "@jobctl/server";
import { EXIT } from "@jobctl/protocol";
import { execa } from "execa";

import { hasSystemd, unless } from "../support/requirements.js";

const UNITS = fileURLToPath(new URL("../../../compose/systemd", import.meta.url));
const BINARIES = ["jobctl", "jobctl-server", "jobctl-agent"];

/** The settings of a unit, by name; one that is given several times has several values. */
async function settingsOf(name: string): Promise<Map<string, string[]>> {
  const settings = new Map<string, string[]>();
  for (const line of (await readFile(join(UNITS, name), "utf8")).split("\n")) {
    const [, key = "", value = ""] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key !== "") settings.set(key, [...(settings.get(key) ?? []), value]);
  }
  return settings;
}

describe("the systemd units", { skip: unless("systemd", hasSystemd) }, () => {
  let root: string;
  let copies: string[];
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-systemd-"));
    await mkdir(join(root, "bin"));
    for (const name of BINARIES)
      await writeFile(join(root, "bin", name), "#!/bin/sh\n", { mode: 0o755 });
    copies = await Promise.all(
      (await readdir(UNITS)).map(async (name) => {
        const unit = await readFile(join(UNITS, name), "utf8");
        const copy = join(root, name);
        await writeFile(copy, unit.replaceAll("/usr/local/bin/", `${root}/bin/`));
        return copy;
      }),
    );
  });
  after(() => rm(root, { recursive: true }));

  it("are what systemd understands", async () => {
    const { stderr } = await execa("systemd-analyze", ["verify", ...copies]);
    assert.equal(stderr, "");
    const [calendar = ""] = (await settingsOf("jobctl-backup.timer")).get("OnCalendar") ?? [];
    await execa("systemd-analyze", ["calendar", calendar]);
    const { backupIncomplete } = EXIT;
    const taken = (await settingsOf("jobctl-backup.service")).get("SuccessExitStatus");
    assert.deepEqual(taken, [String(backupIncomplete)]);
  });

  it("leave the daemons little to do harm with", async () => {
    // From 0 to 10. An agent keeps what the sandbox is made of: namespaces, and all of /proc.
    for (const [name, most] of [
      ["jobctl-server.service", 2],
      ["jobctl-backup.service", 4],
      ["jobctl-agent.service", 5],
    ] as const) {
      const path = copies.find((copy) => copy.endsWith(name)) ?? "";
      const { stdout } = await execa("systemd-analyze", ["--offline=true", "security", path]);
      const [, exposure = "10"] = /Overall exposure level for .*: ([\d.]+)/.exec(stdout) ?? [];
      assert.ok(Number(exposure) <= most, `${name}: ${exposure}`);
    }
  });

  it("run as users of their own, the agent with a control group and a keyring of its own", async () => {
    for (const name of ["jobctl-server.service", "jobctl-agent.service"]) {
      const settings = await settingsOf(name);
      const [user = "root"] = settings.get("User") ?? [];
      assert.ok(user !== "root" || settings.get("DynamicUser")?.[0] === "yes", name);
    }
    const agentSettings = await settingsOf("jobctl-agent.service");
    assert.deepEqual(agentSettings.get("User"), ["jobctl-agent"]);
    assert.deepEqual(agentSettings.get("Delegate"), ["yes"]);
    assert.deepEqual(agentSettings.get("KeyringMode"), ["private"]);
    assert.deepEqual(agentSettings.get("NoNewPrivileges"), ["true"]);
  });

  it("set variables that the daemons know, and give them time to go down", async () => {
    const variables = async (name: string): Promise<string[]> =>
      ((await settingsOf(name)).get("Environment") ?? [])
        .flatMap((line) => line.split(" "))
        .map((assignment) => assignment.split("=")[0] ?? "")
        .filter((variable) => variable !== "NODE_ENV");
    const tokens = ["JOBCTL_ADMIN_TOKEN_FILE", "JOBCTL_AGENT_TOKEN_FILE"];
    for (const [name, known] of [
      ["jobctl-server.service", server.SETTING_NAMES],
      ["jobctl-agent.service", agent.SETTING_NAMES],
    ] as const) {
      for (const variable of await variables(name))
        assert.ok([...known, ...tokens].includes(variable), variable);
      const seconds = Number((await settingsOf(name)).get("TimeoutStopSec")?.[0]);
      const read = { JOBCTL_ADMIN_TOKEN: "a", JOBCTL_AGENT_TOKEN: "b" };
      const { drainSeconds } = server.readConfig(read);
      const { killGraceSeconds } = agent.readConfig(read);
      assert.ok(seconds >= drainSeconds + killGraceSeconds + 15, `${name}: ${seconds} s`);
    }
  });
});
