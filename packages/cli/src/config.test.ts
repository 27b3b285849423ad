import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { loadConfig, type CliConfig } from "./config.js";

describe("the configuration", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "jobctl-cli-"));
    mkdirSync(join(root, "project/sub"), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const load = (
    environment: Record<string, string> = {},
    serverFlag?: string,
  ): Promise<CliConfig> =>
    loadConfig({
      serverFlag,
      environment: {
        XDG_CONFIG_HOME: join(root, "config"),
        XDG_STATE_HOME: join(root, "state"),
        ...environment,
      },
      directory: join(root, "project/sub"),
    });

  const userFile = (values: object): void => {
    mkdirSync(join(root, "config/jobctl"), { recursive: true });
    writeFileSync(join(root, "config/jobctl/config.json"), JSON.stringify(values));
  };
  const projectFile = (values: object): void =>
    writeFileSync(join(root, "project/.jobctlrc.json"), JSON.stringify(values));
  const upFile = (values: object, mode = 0o600): void => {
    mkdirSync(join(root, "project/.jobctl"), { recursive: true });
    writeFileSync(join(root, "project/.jobctl/up.json"), JSON.stringify(values));
    chmodSync(join(root, "project/.jobctl/up.json"), mode);
  };

  it("holds headers for a proxy, which go where a token goes", async () => {
    const given = { JOBCTL_HEADERS: "X-Api-Key: 12 34\nCookie: a=b\n" };
    assert.deepEqual((await load(given)).headers, { "x-api-key": "12 34", cookie: "a=b" });
    await assert.rejects(load({ JOBCTL_HEADERS: "X-Key 12" }), (error: Error) => {
      assert.match(error.message, /from JOBCTL_HEADERS.*is no header/);
      assert.doesNotMatch(error.message, /12/);
      return true;
    });
    projectFile({ server: "http://evil:3" });
    assert.deepEqual((await load(given)).headers, {});
    projectFile({ headers: "X: y" });
    await assert.rejects(load(), /headers/);
  });

  it("comes from flag, environment, project, local server, user file, default, in this order", async () => {
    assert.deepEqual((await load()).settings.server, {
      value: "http://127.0.0.1:8470",
      origin: "default",
    });
    userFile({ server: "http://user:1" });
    assert.equal((await load()).server, "http://user:1");
    upFile({ url: "http://127.0.0.1:2", token: "up" });
    assert.equal((await load()).server, "http://127.0.0.1:2");
    projectFile({ server: "http://project:3" });
    assert.equal((await load()).server, "http://project:3");
    assert.equal((await load({ JOBCTL_SERVER: "http://env:4" })).server, "http://env:4");
    assert.deepEqual(
      (await load({ JOBCTL_SERVER: "http://env:4" }, "http://flag:5")).settings.server,
      { value: "http://flag:5", origin: "flag" },
    );
  });

  it("sends a stored token to the server that it belongs to, and to no other", async (t) => {
    t.diagnostic("promise stored-token-stays-with-its-server");
    userFile({ server: "http://mine:1", token: "secret" });
    assert.equal((await load()).token, "secret");
    assert.equal((await load({}, "http://other:1")).token, null);
    projectFile({ server: "http://evil:1" });
    assert.equal((await load()).token, null);
    projectFile({ server: "http://mine:1" });
    assert.equal((await load()).token, "secret");
  });

  it("does not let a project's file lead a token from the environment elsewhere", async () => {
    projectFile({ server: "http://evil:1" });
    const config = await load({ JOBCTL_TOKEN: "secret" });
    assert.equal(config.token, null);
    assert.match(config.tokenWithheld ?? "", /evil/);
    assert.equal(
      (await load({ JOBCTL_TOKEN: "secret", JOBCTL_SERVER: "http://evil:1" })).token,
      "secret",
    );
  });

  it("refuses a token in a project's file", async (t) => {
    t.diagnostic("promise stored-token-stays-with-its-server");
    projectFile({ token: "secret" });
    await assert.rejects(load(), /token may not be set in a project's file/);
    projectFile({ tokenFile: "x" });
    await assert.rejects(load(), /tokenFile may not be set/);
  });

  it("believes a local server only in a file that nobody else can write, and only on this machine", async () => {
    upFile({ url: "http://127.0.0.1:2", token: "up" }, 0o644);
    assert.equal((await load()).settings.server.origin, "default");
    upFile({ url: "http://elsewhere:2", token: "up" });
    assert.equal((await load()).settings.server.origin, "default");
    upFile({ url: "http://127.0.0.1:2", token: "up" });
    assert.equal((await load()).token, "up");
  });

  it("gives a server of such a file the token of that file, and nothing else", async () => {
    const given = { JOBCTL_TOKEN: "secret", JOBCTL_HEADERS: "X-Key: secret" };
    const sent = async (environment: Record<string, string>): Promise<unknown> => {
      const { token, headers } = await load(environment);
      return { token, headers };
    };
    upFile({ url: "http://127.0.0.1:2", token: "up" });
    assert.deepEqual(await sent(given), { token: "up", headers: {} });
    projectFile({ server: "http://127.0.0.1:2" });
    assert.deepEqual(await sent(given), { token: "up", headers: {} });
    assert.deepEqual(await sent({ ...given, JOBCTL_SERVER: "http://127.0.0.1:2" }), {
      token: "secret",
      headers: { "x-key": "secret" },
    });
    userFile({ server: "http://127.0.0.1:2", token: "stored" });
    assert.deepEqual(await sent({}), { token: "stored", headers: {} });
  });

  it("reads a project's settings as data from each place", async () => {
    const places = [
      [".jobctlrc.json", '{"service": "x"}'],
      [".jobctlrc.yaml", "service: x\n"],
      ["jobctl.config.json", '\uFEFF{"service": "x"}'],
      ["jobctl.config.yaml", "# settings\nservice: 'x'\n"],
      ["package.json", '{"name": "p", "jobctl": {"service": "x"}}'],
    ] as const;
    for (const [name, content] of places) {
      const path = join(root, "project", name);
      writeFileSync(path, content);
      assert.deepEqual((await load()).settings.service, { value: "x", origin: path });
      rmSync(path);
    }
    writeFileSync(join(root, "project/package.json"), '{"name": "p"}');
    writeFileSync(join(root, "project/.jobctlrc.json"), " \n");
    assert.equal((await load()).settings.service.origin, "default");
  });

  it("takes the slashes off a server's address, however many there are", async () => {
    projectFile({ server: `http://host:1/api${"/".repeat(60_000)}` });
    assert.equal((await load()).server, "http://host:1/api");
    projectFile({ server: "http://host:1/" });
    assert.equal((await load()).server, "http://host:1");
    const jobctl = {
      jobctl: { server: `http://host:1/${"/".repeat(900_000)}x` },
    };
    rmSync(join(root, "project/.jobctlrc.json"));
    writeFileSync(join(root, "project/package.json"), JSON.stringify(jobctl));
    assert.match((await load()).server, /x$/);
  });

  it("refuses what is no data, naming the file", async () => {
    const refused = [
      [
        ".jobctlrc.json",
        '{"$import": "./x.cjs"}',
        /\.jobctlrc\.json: there is no setting "\$import"/,
      ],
      [".jobctlrc.yaml", "$import: ./x.cjs\n", /\.jobctlrc\.yaml: there is no setting "\$import"/],
      ["package.json", '{"jobctl": {"$import": "x"}}', /package\.json: there is no setting/],
      ["jobctl.config.json", "{", /jobctl\.config\.json is not valid JSON/],
      ["jobctl.config.yaml", "a: [", /jobctl\.config\.yaml is not valid YAML/],
      [
        "jobctl.config.yaml",
        "a: &a [x]\nb: [" + "*a,".repeat(20) + "]",
        /not valid YAML|no setting/,
      ],
      [".jobctlrc.json", '["x"]', /no setting "0"/],
      [".jobctlrc.json", `{"user": "${"x".repeat(1024 * 1024)}"}`, /more than 65536 bytes/],
    ] as const;
    for (const [name, content, message] of refused) {
      const path = join(root, "project", name);
      writeFileSync(path, content);
      await assert.rejects(load(), message);
      rmSync(path);
    }
  });

  it("names the file and the key that are wrong", async () => {
    userFile({ servr: "x" });
    await assert.rejects(load(), /config\.json: there is no setting "servr"/);
    userFile({ server: 5 });
    await assert.rejects(load(), /config\.json: server must be a text/);
    userFile({ server: "not a url" });
    await assert.rejects(load(), /"not a url" \(from .*config\.json\) is not a URL/);
    writeFileSync(join(root, "config/jobctl/config.json"), "{");
    await assert.rejects(load(), /config\.json is not valid JSON/);
  });
});
