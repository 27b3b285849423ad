import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { shows } from "../support/shows.js";

/** Extensions that hold code for one loader of configuration files or another. */
const CODE_EXTENSIONS = ["js", "cjs", "mjs", "ts"] as const;

/** Names under which configuration is found by one tool or another, without extension. */
const BASE_NAMES = [
  ".jobctlrc",
  "jobctl.config",
  ".config/jobctlrc",
  ".config/jobctl",
  ".config/config",
  ".config/jobctl.config",
  "config",
  "cosmiconfig.config",
];

/** A file, and what it holds; `MODULE` stands for the path of a module with code. */
type Files = Readonly<Record<string, string>>;

/** Code in a file that leaves a marker named after the file. */
function code(directory: string, name: string, extension: string): string {
  const marker = JSON.stringify(join(directory, "markers", name.replaceAll("/", "_")));
  return extension === "mjs" || extension === "ts"
    ? `import { writeFileSync } from "node:fs";\nwriteFileSync(${marker}, "");\nexport default {};\n`
    : `require("node:fs").writeFileSync(${marker}, "");\nmodule.exports = {};\n`;
}

/** One project for each way that leads a loader to code. */
const PROJECTS: Readonly<Record<string, Files>> = {
  "code beside data": {
    "package.json": "{}",
    ...Object.fromEntries(
      BASE_NAMES.flatMap((base) =>
        CODE_EXTENSIONS.map((extension) => [`${base}.${extension}`, ""]),
      ),
    ),
  },
  "an import in JSON": {
    "evil.cjs": "",
    ".jobctlrc.json": '{"$import": "./evil.cjs"}',
  },
  "imports in a list": {
    "evil.cjs": "",
    "evil.mjs": "",
    "jobctl.config.json": '{"$import": ["./evil.cjs", "./evil.mjs"]}',
  },
  "an import in YAML": { "evil.cjs": "", ".jobctlrc.yaml": "$import: ./evil.cjs\n" },
  "an import in the other YAML": { "evil.mjs": "", "jobctl.config.yaml": "$import: ./evil.mjs\n" },
  "a tag in YAML": {
    ".jobctlrc.yaml": 'user: !!js/function "function () { return process.exit(77); }"\n',
  },
  "an import in package.json": {
    "evil.cjs": "",
    "package.json": '{"name": "x", "jobctl": {"$import": "./evil.cjs"}}',
  },
  "search places in package.json": {
    "evil.cjs": "",
    "package.json": '{"cosmiconfig": {"searchPlaces": ["evil.cjs"], "mergeSearchPlaces": true}}',
  },
  "search places in package.yaml": {
    "evil.cjs": "",
    "jobctl.config.json": "{}",
    "package.yaml": "cosmiconfig:\n  searchPlaces: [evil.cjs]\n",
  },
  "an import in package.json of all tools": {
    "evil.cjs": "",
    "package.json": '{"cosmiconfig": {"$import": "./evil.cjs"}, "$import": "./evil.cjs"}',
  },
  "search places in .config": {
    "evil.cjs": "",
    "jobctl.config.json": "{}",
    ".config/config.json":
      '{"cosmiconfig": {"searchPlaces": ["evil.cjs"]}, "$import": "../evil.cjs"}',
  },
  "search places in .config as YAML": {
    "evil.cjs": "",
    "jobctl.config.json": "{}",
    ".config/config.yaml": "cosmiconfig:\n  searchPlaces: [evil.cjs]\n$import: ../evil.cjs\n",
    ".config/config.yml": "$import: ../evil.cjs\n",
  },
};

/** Each command with arguments that get it past the reading of its configuration. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  up: ["--port", "none", "--data", "up-data"],
  submit: ["--dry-run", "."],
  status: [],
  wait: ["1"],
  logs: ["1"],
  download: ["1"],
  cancel: ["1"],
  validate: ["run.sh"],
  queue: [],
  events: ["1"],
  "agents list": [],
  "agents load": [],
  "agents add": ["http://127.0.0.1:1"],
  "agents remove": ["none"],
  "agents drain": ["none"],
  "agents forget-key": ["none"],
  "agents resume": ["none"],
  "agents reset": ["none"],
  usage: [],
  gc: ["--dry-run"],
  backup: ["backup"],
  "backup list": ["backup"],
  "backup verify": ["backup"],
  restore: ["none", "--data", "restored"],
  vacuum: [],
  "admin reconcile": [],
  "admin leader": [],
  "config show": [],
  "config set": ["service", "default"],
  "config path": [],
  doctor: [],
  completion: ["bash"],
};

describe("a hostile project directory", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ agents: 0 });
  });
  after(() => cluster.stop());

  const makeProject = async (files: Files): Promise<string> => {
    const directory = await mkdtemp(join(cluster.root, "project-"));
    await mkdir(join(directory, "markers"));
    await mkdir(join(directory, "below"));
    for (const [name, content] of Object.entries({ "run.sh": "true\n", ...files })) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      const extension = name.split(".").at(-1) ?? "";
      const text = content === "" ? code(directory, name, extension) : content;
      await writeFile(join(directory, name), text);
    }
    return directory;
  };

  for (const [way, files] of Object.entries(PROJECTS)) {
    it(`runs no code: ${way}`, { timeout: 120_000 }, async (t) => {
      shows(t, "projects-run-no-code");
      const directory = await makeProject(files);
      for (const cwd of [directory, join(directory, "below")]) {
        const { exitCode } = await cluster.jobctl(["status"], { cwd });
        assert.ok([0, 2].includes(exitCode), `it ended with ${exitCode}`);
      }
      assert.deepEqual(await readdir(join(directory, "markers")), []);
    });
  }

  it("runs no code in any command", { timeout: 300_000 }, async (t) => {
    const asked = await everyCommand(cluster);
    assert.deepEqual(asked.toSorted(), Object.keys(COMMANDS).toSorted());
    const projects = [
      {
        ...PROJECTS["code beside data"],
        ...PROJECTS["search places in .config"],
        ...PROJECTS["search places in package.json"],
      },
      { ...PROJECTS["an import in JSON"], ...PROJECTS["an import in package.json"] },
    ];
    for (const files of projects) {
      const cwd = await makeProject(files);
      for (const [command, args] of Object.entries(COMMANDS)) {
        await cluster.jobctl([...command.split(" "), ...args], { cwd });
        assert.deepEqual(await readdir(join(cwd, "markers")), [], command);
      }
    }
    shows(t, "projects-run-no-code", {
      what: "commands in a hostile project",
      times: projects.length * Object.keys(COMMANDS).length,
    });
  });

  it("is told which key of which file is refused", async (t) => {
    shows(t, "stored-token-stays-with-its-server");
    const cwd = await makeProject(PROJECTS["an import in JSON"] ?? {});
    const { exitCode, stderr } = await cluster.jobctl(["status"], { cwd });
    assert.equal(exitCode, 2);
    assert.match(stderr, /\.jobctlrc\.json: there is no setting "\$import"/);
  });

  it("cannot make a command wait or read without end", { timeout: 60_000 }, async () => {
    const { execa } = await import("execa");
    const cwd = await makeProject({});
    for (const name of [".jobctlrc.json", ".jobctlrc.yaml", "package.json", ".jobctl/up.json"]) {
      await mkdir(dirname(join(cwd, name)), { recursive: true });
      await execa("mkfifo", ["--mode=600", join(cwd, name)]);
      await cluster.jobctl(["status"], { cwd });
      await rm(join(cwd, name));
      await execa("truncate", ["--size=8G", join(cwd, name)]);
      await chmod(join(cwd, name), 0o600);
      await cluster.jobctl(["status"], { cwd });
      await rm(join(cwd, name));
    }
  });

  it("gets no token of the user's to a server that it names as a local one", async (t) => {
    shows(t, "stored-token-stays-with-its-server");
    const seen: IncomingHttpHeaders[] = [];
    const listener = createServer((request, response) => {
      seen.push(request.headers);
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
      const cwd = await makeProject({
        ".jobctl/up.json": JSON.stringify({ url, token: "planted" }),
      });
      await chmod(join(cwd, ".jobctl/up.json"), 0o600);
      const secrets = {
        JOBCTL_TOKEN: "the-secret",
        JOBCTL_HEADERS: "x-api-key: the-secret",
        JOBCTL_TOKEN_FILE: join(cluster.root, "admin.token"),
      };
      const call = async (environment: Record<string, string>): Promise<void> => {
        await cluster.jobctl(["status"], { cwd, env: { JOBCTL_SERVER: "", ...environment } });
        assert.equal(seen.at(-1)?.authorization, "Bearer planted");
      };
      await call(secrets);
      await call({ ...secrets, JOBCTL_TOKEN: "" });
      // Nor when a project's file names the same address.
      await writeFile(join(cwd, ".jobctlrc.json"), JSON.stringify({ server: url }));
      await call(secrets);
      assert.ok(!JSON.stringify(seen).includes("secret"));
      assert.ok(!JSON.stringify(seen).includes("test-admin-token"));
    } finally {
      listener.close();
    }
  });
});

/** The commands that the help lists, with those below them. */
async function everyCommand(cluster: Cluster): Promise<string[]> {
  const listed = async (path: readonly string[]): Promise<string[]> => {
    const help = await cluster.ok([...path, "--help"]);
    const names = help.split("Commands:\n")[1]?.match(/^ {2}[a-z-]+/gm) ?? [];
    return names.map((name) => name.trim()).filter((name) => name !== "help");
  };
  const commands: string[] = [];
  for (const name of await listed([])) {
    const below = await listed([name]);
    // `backup` works by itself as well.
    if (below.length === 0 || name === "backup") commands.push(name);
    commands.push(...below.map((child) => `${name} ${child}`));
  }
  return commands;
}
