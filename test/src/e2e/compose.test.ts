import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import type { Agent, Health, Job } from "@jobctl/protocol";
import { execa } from "execa";

import {
  COMPOSE_DIRECTORY,
  ComposeProject,
  procFile,
  type ContainerState,
} from "../support/compose-project.js";
import { freePort } from "../support/free-port.js";
import { hasDocker, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const CLI = fileURLToPath(import.meta.resolve("@jobctl/cli/main"));
const DANGEROUS = fileURLToPath(new URL("../../../examples/dangerous", import.meta.url));
const AGENTS = 3;
const JOBS = 30;
const GIBIBYTE = 1024 ** 3;
/** All but Grafana, which is no package of Debian's: nothing stands in for its image here. */
const SERVICES = ["server", "agent", "proxy", "prometheus", "alertmanager", "backup"] as const;
type Service = (typeof SERVICES)[number];

/** Users and limits, by service: what compose.yaml promises. */
const LIMITS: Record<Service, { user: string; cpus: number; memory: number; pids: number }> = {
  server: { user: "10001:10001", cpus: 2, memory: GIBIBYTE, pids: 128 },
  agent: { user: "10001:10001", cpus: 2, memory: 2 * GIBIBYTE, pids: 256 },
  proxy: { user: "10001:10001", cpus: 1, memory: GIBIBYTE / 4, pids: 64 },
  prometheus: { user: "65534:65534", cpus: 1, memory: GIBIBYTE, pids: 128 },
  alertmanager: { user: "65534:65534", cpus: 1, memory: GIBIBYTE / 4, pids: 64 },
  backup: { user: "10001:10001", cpus: 1, memory: GIBIBYTE / 2, pids: 64 },
};

/** What each may write to; everything else is read-only. */
const WRITABLE: Record<Service, readonly string[]> = {
  server: ["/tmp", "/var/lib/jobctl"],
  agent: ["/tmp", "/var/lib/jobctl"],
  proxy: ["/tmp"],
  prometheus: ["/prometheus"],
  alertmanager: ["/alertmanager"],
  backup: ["/backup", "/tmp"],
};

describe("compose", { skip: unless("a Docker engine with compose", hasDocker) }, () => {
  let root: string;
  let environment: Record<string, string>;
  let project: ComposeProject;
  let httpsPort: number;
  let prometheusPort: number;
  const containers = new Map<Service, ContainerState[]>();

  const jobctl = async (...args: string[]): Promise<string> => {
    const { stdout } = await execa(process.execPath, [CLI, ...args], {
      cwd: root,
      env: { ...environment, HOME: root },
    });
    return stdout;
  };
  const agents = async (): Promise<Agent[]> =>
    (JSON.parse(await jobctl("agents", "list", "--json")) as { items: Agent[] }).items;
  const job = async (id: string): Promise<Job> =>
    JSON.parse(await jobctl("status", id, "--json")) as Job;
  const submit = async (script: string, ...args: string[]): Promise<string> => {
    const directory = await mkdtemp(join(root, "job-"));
    await writeFile(join(directory, "run.sh"), script);
    return (await jobctl("submit", directory, ...args)).trim();
  };
  const each = function* (...names: readonly Service[]): Generator<[Service, ContainerState]> {
    for (const name of names.length === 0 ? SERVICES : names)
      for (const container of containers.get(name) ?? []) yield [name, container];
  };
  /** A request through the proxy: status and body. */
  const throughProxy = async (path: string, ...args: string[]): Promise<[number, string]> => {
    const { stdout } = await execa(
      "node",
      ["-e", ASK, `https://localhost:${httpsPort}${path}`, ...args],
      {
        env: { NODE_EXTRA_CA_CERTS: join(root, "tls/tls.crt") },
      },
    );
    const [status = "", ...body] = stdout.split("\n");
    return [Number(status), body.join("\n")];
  };
  /** What a request from inside of a container gives: a status, or why there is none. */
  const askFrom = (service: Service, url: string): Promise<string> =>
    project.exec(service, "node", "-e", ASK, url).then((text) => text.split("\n")[0] ?? "");

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-compose-"));
    for (const name of ["secrets", "tls"]) await mkdir(join(root, name));
    const secrets = ["admin-token", "agent-token", "smtp-password", "alert-webhook-token"];
    for (const name of secrets)
      await writeFile(join(root, "secrets", name), `test-${name}-of-some-length`);
    await execa("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost"],
      ...["-keyout", join(root, "tls/tls.key"), "-out", join(root, "tls/tls.crt")],
    ]);
    await chmod(join(root, "tls/tls.key"), 0o644);
    const port = await freePort();
    [httpsPort, prometheusPort] = [await freePort(), await freePort()];
    const alertmanagerPort = await freePort();
    environment = {
      JOBCTL_SECRETS: join(root, "secrets"),
      JOBCTL_TLS: join(root, "tls"),
      JOBCTL_PORT: String(port),
      JOBCTL_HTTPS_ADDRESS: "127.0.0.1",
      JOBCTL_HTTPS_PORT: String(httpsPort),
      JOBCTL_PROMETHEUS_PORT: String(prometheusPort),
      JOBCTL_ALERTMANAGER_PORT: String(alertmanagerPort),
      JOBCTL_SERVER: `http://127.0.0.1:${port}`,
      JOBCTL_TOKEN_FILE: join(root, "secrets/admin-token"),
    };
    project = new ComposeProject("jobctl-compose", [], environment);
    await project.run(
      ...["up", "--build", "--detach", "--wait", "--scale", `agent=${AGENTS}`, ...SERVICES],
    );
    for (const service of SERVICES) containers.set(service, await project.inspect(service));
  });
  after(async () => {
    await project.down();
    await rm(root, { recursive: true, force: true });
  });

  it("S3-01: is a server and an agent, unless more is asked for", async () => {
    const services = await project.run("config", "--services");
    assert.deepEqual(services.split("\n").toSorted(), ["agent", "server"]);
    const all = await project.run("--profile", "*", "config", "--services");
    assert.deepEqual(all.split("\n").toSorted(), [...SERVICES, "grafana"].toSorted());
  });

  it("S3-02: agents are found however many there are, and jobs spread over them", async () => {
    await waitUntil("all are ready", async () => {
      const found = await agents();
      return found.length === AGENTS && found.every(({ state }) => state === "ready");
    });
    for (const { sandbox } of await agents()) assert.equal(sandbox, "bubblewrap");
    const ids = await Promise.all(
      Array.from({ length: JOBS }, () => submit("sleep 0.5; echo done > result.txt\n")),
    );
    await jobctl("wait", ...ids);
    const used = new Set((await Promise.all(ids.map(job))).map(({ agent }) => agent));
    assert.equal(used.size, AGENTS);
    await jobctl("download", ids[0] ?? "", "-o", "out");
    assert.equal(await readFile(join(root, "out/result.txt"), "utf8"), "done\n");
  });

  it("S3-03 to S3-12: the agent refuses a dangerous script, and says where and why", async () => {
    const id = (await jobctl("submit", DANGEROUS, "--no-validate")).trim();
    await execa(process.execPath, [CLI, "wait", id], {
      env: { ...environment, HOME: root },
      reject: false,
    });
    const { status, outcome, findings } = await job(id);
    assert.deepEqual([status, outcome?.reason], ["invalid", "rejected"]);
    for (const { rule, line, column } of findings) assert.ok(rule !== "" && line && column);
    assert.ok(findings.length >= 5);
  });

  it("S3-13: the documentation says that this is a check and no sandbox", async () => {
    const text = await readFile(join(COMPOSE_DIRECTORY, "../docs/validation.md"), "utf8");
    assert.match(text, /sanity check, not a sandbox/);
  });

  it("S3-14: a job sees neither the agent's secrets nor its environment", async () => {
    const id = await submit("ls -A /run > seen.txt 2>&1; export -p >> seen.txt\n", "--wait");
    await jobctl("download", id, "-o", "seen");
    const seen = await readFile(join(root, "seen/seen.txt"), "utf8");
    assert.doesNotMatch(seen, /secrets|TOKEN|JOBCTL_AGENT_DATA/);
  });

  it("S3-15, S3-22: the root is read-only; what may be written to is small, or data", async (t) => {
    shows(t, "container-roots-are-read-only");
    for (const [name, { State, HostConfig }] of each()) {
      assert.equal(HostConfig.ReadonlyRootfs, true, name);
      const mounts = (await procFile(State.Pid, "mountinfo")).trimEnd().split("\n");
      const writable = mounts
        .map((line) => line.split(" "))
        .filter(([, , , , , options = ""]) => options.split(",").includes("rw"))
        .map(([, , , , path = ""]) => path)
        .filter((path) => !/^\/(proc|dev|sys)(\/|$)/.test(path));
      assert.deepEqual(writable.toSorted(), WRITABLE[name], name);
      if (WRITABLE[name].includes("/tmp")) {
        const options = HostConfig.Tmpfs["/tmp"] ?? "";
        for (const option of ["size=64m", "noexec", "nosuid", "nodev"])
          assert.ok(options.includes(option), `${name}: ${option}`);
      }
      await assert.rejects(project.exec(name, "sh", "-c", ": > /etc/x"), /Read-only/, name);
    }
  });

  it("S3-16, S3-17, S3-23: no root, no capability, no way to gain one", async (t) => {
    shows(t, "containers-have-no-privileges");
    for (const [name, { State, HostConfig, Config }] of each()) {
      const status = await procFile(State.Pid, "status");
      const uid = LIMITS[name].user.split(":")[0] ?? "";
      assert.equal(Config.User, LIMITS[name].user);
      assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, "m"), name);
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
        assert.match(status, new RegExp(`^${set}:\\t0+$`, "m"), `${name}: ${set}`);
      assert.match(status, /^NoNewPrivs:\t1$/m, name);
      assert.match(status, /^Seccomp:\t2$/m, name);
      assert.deepEqual([HostConfig.CapDrop, HostConfig.Privileged], [["ALL"], false], name);
    }
  });

  it("S3-18, S3-19, S3-20: CPUs, memory and processes are limited", (t) => {
    shows(t, "containers-are-limited");
    for (const [name, { HostConfig }] of each()) {
      const { cpus, memory, pids } = LIMITS[name];
      const { NanoCpus, Memory, PidsLimit } = HostConfig;
      assert.deepEqual([NanoCpus, Memory, PidsLimit], [cpus * 1e9, memory, pids], name);
    }
  });

  it("S3-21: neither a job nor its agent has a way out", async (t) => {
    shows(t, "compose-agents-are-shut-off");
    for (const [, { State }] of each("agent")) {
      const [, ...routes] = (await procFile(State.Pid, "net/route")).trimEnd().split("\n");
      for (const route of routes) assert.match(route, /^eth0\t/);
    }
    const [proxy] = containers.get("proxy") ?? [];
    const [outside] = Object.values(proxy?.NetworkSettings.Networks ?? {});
    const target = `https://${outside?.IPAddress}/`;
    assert.match(await askFrom("agent", target), /^(ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|timeout)/);
    const id = await submit("cat /proc/net/route > routes.txt\n", "--wait");
    await jobctl("download", id, "-o", "routes");
    const routes = await readFile(join(root, "routes/routes.txt"), "utf8");
    assert.equal(routes.trimEnd().split("\n").length, 1);
  });

  it("S3-24, S3-30: agents have no port outside; the server reaches them, others do not", async (t) => {
    shows(t, "compose-agents-are-shut-off");
    for (const [, { HostConfig, NetworkSettings }] of each("agent")) {
      assert.deepEqual(HostConfig.PortBindings ?? {}, {});
      assert.deepEqual(Object.values(NetworkSettings.Ports).filter(Boolean), []);
      assert.equal(Object.keys(NetworkSettings.Networks).length, 1);
    }
    assert.equal(await askFrom("server", "http://agent:9000/health"), "200");
    for (const path of ["/v1/watch", "/v1/attempts", "/v1/attempts/1.1/result"])
      assert.equal(await askFrom("server", `http://agent:9000${path}`), "401", path);
    assert.match(await askFrom("backup", "http://agent:9000/health"), /^(ENOTFOUND|EAI_AGAIN)/);
  });

  it("S3-25: a job goes through the proxy with TLS", async (t) => {
    shows(t, "proxy-protects");
    const env = {
      ...environment,
      HOME: root,
      JOBCTL_SERVER: `https://localhost:${httpsPort}`,
      NODE_EXTRA_CA_CERTS: join(root, "tls/tls.crt"),
    };
    const directory = join(root, "through");
    await mkdir(directory);
    await writeFile(join(directory, "run.sh"), "echo through > result.txt\n");
    const args = [CLI, "submit", directory, "--wait", "--download", join(root, "came-back")];
    await execa(process.execPath, args, { env });
    assert.equal(await readFile(join(root, "came-back/result.txt"), "utf8"), "through\n");
  });

  it("S3-26, S3-27, S3-28, S3-32: the proxy limits, hides and passes on", async (t) => {
    shows(t, "proxy-protects");
    assert.equal((await throughProxy("/v1/jobs"))[0], 401);
    for (const path of ["/metrics", "/docs", "/openapi.json"])
      assert.equal((await throughProxy(path))[0], 403, path);
    assert.equal((await throughProxy("/v1/jobs", "POST", String(500 * 1024 ** 2)))[0], 413);
    const many = Array.from({ length: 60 }, () => throughProxy("/v1/jobs?burst", "POST", "0"));
    const statuses = (await Promise.all(many)).map(([status]) => status);
    assert.ok(statuses.includes(429), statuses.join());
  });

  it("S3-36, S3-37, S3-38: server and agents tell how they are", async () => {
    const [status, body] = await throughProxy("/health");
    const health = JSON.parse(body) as Health;
    assert.deepEqual([status, health.name, health.database], [200, "jobctl-server", "ok"]);
    const text = await project.exec("server", "node", "-e", ASK, "http://agent:9000/load");
    const load = JSON.parse(text.split("\n").slice(1).join("\n")) as Record<string, unknown>;
    for (const field of ["cpuPercent", "load1", "memoryUsedBytes", "slotsUsed", "slotsTotal"])
      assert.equal(typeof load[field], "number", field);
    assert.equal(load["draining"], false);
  });

  it("S3-39: Prometheus sees the server, every agent and where alerts go", async () => {
    await waitUntil("all targets are up", async () => {
      const url = `http://127.0.0.1:${prometheusPort}/api/v1/targets?state=active`;
      const { data } = (await (await fetch(url)).json()) as {
        data: { activeTargets: { health: string; labels: { job: string } }[] };
      };
      const up = data.activeTargets.filter(({ health }) => health === "up");
      return (
        up.filter(({ labels }) => labels.job === "jobctl-agent").length === AGENTS &&
        up.filter(({ labels }) => labels.job === "alertmanager").length === 1 &&
        up.length === AGENTS + 2
      );
    });
    const url = `http://127.0.0.1:${prometheusPort}/api/v1/alertmanagers`;
    const { data } = (await (await fetch(url)).json()) as {
      data: { activeAlertmanagers: unknown[] };
    };
    assert.equal(data.activeAlertmanagers.length, 1);
  });

  it("S3-40, S3-57: logs are rotated, or go to Fluentd", async () => {
    for (const [name, { HostConfig }] of each()) {
      const { Type, Config } = HostConfig.LogConfig;
      assert.deepEqual([Type, Config], ["json-file", { "max-file": "5", "max-size": "50m" }], name);
    }
    const fluentd = new ComposeProject("x", [join(COMPOSE_DIRECTORY, "fluentd.yaml")], environment);
    const config = JSON.parse(await fluentd.run("config", "--format", "json")) as {
      services: Record<string, { logging: { driver: string; options: Record<string, string> } }>;
    };
    for (const { logging } of Object.values(config.services)) {
      assert.equal(logging.driver, "fluentd");
      assert.equal(logging.options["max-size"], undefined);
    }
  });

  it("S3-41 to S3-45: a backup is taken by itself, whole, and can be restored", async () => {
    await waitUntil("there is one", async () => {
      const { items } = JSON.parse(
        await project.exec("backup", "jobctl", "backup", "list", "/backup", "--json"),
      ) as { items: unknown[] };
      return items.length === 1;
    });
    await project.exec("backup", "jobctl", "backup", "verify", "/backup");
    const restore = ["restore", "/backup/latest", "--data", "/tmp/try"];
    await project.exec("backup", "jobctl", ...restore);
    assert.match(
      await project.exec("backup", "ls", "/tmp/try"),
      /^blobs\ninstallation.json\njobctl.db$/m,
    );
    await project.exec("backup", "rm", "-r", "/tmp/try");
  });

  it("S3-49: what is unhealthy is seen, by asking whether it takes requests", async () => {
    const [server] = containers.get("server") ?? [];
    assert.match((server?.Config.Healthcheck?.Test ?? []).join(" "), /\/ready/);
    for (const [name, { State }] of each("server", "agent"))
      assert.equal(State.Health?.Status, "healthy", name);
  });

  it("S3-50: each starts again by itself when it is killed", async () => {
    for (const [name, { HostConfig }] of each())
      assert.equal(HostConfig.RestartPolicy.Name, "unless-stopped", name);
    for (const [name, { State }] of each("server", "proxy")) {
      process.kill(State.Pid, "SIGKILL");
      await waitUntil(`${name} runs again`, async () => {
        const [now] = await project.inspect(name);
        return now?.RestartCount === 1 && now.State.Running;
      });
    }
    await waitUntil("all is well again", async () => {
      const [status] = await throughProxy("/ready").catch(() => [0]);
      return status === 200;
    });
  });

  it("S3-55, S3-56, S3-59: the database is where it belongs, sound, and made smaller", async () => {
    assert.match(await project.exec("server", "ls", "/var/lib/jobctl"), /^jobctl\.db$/m);
    await project.exec("server", "jobctl", "vacuum", "--check");
    const vacuum = ["vacuum", "--older-than", "90d", "--yes", "--json"];
    const report = JSON.parse(await project.exec("server", "jobctl", ...vacuum));
    assert.ok(report.bytesAfter <= report.bytesBefore);
  });

  it("S3-58: an upgrade keeps queued and running jobs", async (t) => {
    shows(t, "containers-are-replaced-without-loss");
    const running = await submit("sleep 8; echo after > result.txt\n");
    await waitUntil("it runs", async () => (await job(running)).status === "running");
    // As many as there is room for, and one more.
    const others = await Promise.all(
      Array.from({ length: 2 * AGENTS }, () => submit("sleep 1; true\n")),
    );
    await project.run("up", "--detach", "--wait", "--force-recreate", "--no-deps", "server");
    const ids = [running, ...others];
    await jobctl("wait", ...ids);
    for (const { status, attempt } of await Promise.all(ids.map(job)))
      assert.deepEqual([status, attempt], ["completed", 1]);
    // The proxy finds it under its new address.
    await waitUntil("the proxy has found it", async () => (await throughProxy("/live"))[0] === 200);
  });
});

/** Prints the status of a request, and its body; without an answer the error's code. */
const ASK = `
  const [url, method = "GET", length] = process.argv.slice(1);
  const { request } = require(url.startsWith("https:") ? "node:https" : "node:http");
  const headers = length === undefined ? {} : { "content-length": length, "content-type": "multipart/form-data; boundary=x" };
  const outgoing = request(url, { method, headers, timeout: 5000 }, (answer) => {
    let body = "";
    answer.on("data", (chunk) => (body += chunk)).on("end", () => {
      console.log(answer.statusCode + "\\n" + body);
      process.exit();
    });
  });
  outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error(), { code: "timeout" })));
  outgoing.on("error", ({ code }) => { console.log(code); process.exit(); });
  if (Number(length) > 0) outgoing.flushHeaders();
  else outgoing.end();
`;
