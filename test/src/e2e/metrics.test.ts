import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { QUEUE_REASONS, TERMINAL_STATUSES } from "@jobctl/protocol";
import { execa } from "execa";
import { parse } from "yaml";

import { Cluster } from "../support/cluster.js";
import { freePort } from "../support/free-port.js";
import { hasPrometheus, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

/** A capacity, not a count of what has happened. */
const SLOTS = "jobctl_agent_slots_total";
const COMPOSE = fileURLToPath(new URL("../../../compose", import.meta.url));

describe("metrics", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      server: {
        JOBCTL_SERVICES: "default,limited",
        SERVICE_LIMITED_MAX_RUNS: "4",
        SERVICE_LIMITED_RUNS_PER_USER: "2",
      },
      agent: { JOBCTL_AGENT_SERVICES: "default,limited" },
    });
  });
  after(() => cluster.stop());

  const scrape = async (url: string): Promise<string> => {
    const answer = await fetch(`${url}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/);
    return answer.text();
  };
  const value = (text: string, series: string): number => {
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  };

  /** The metrics that an alert, a panel or the autoscaler names. */
  const namesInUse = async (): Promise<Set<string>> => {
    const files = [
      "prometheus/rules.yml",
      "grafana/jobctl.json",
      "../kubernetes/base/agents.yaml",
    ].map((name) => readFile(join(COMPOSE, name), "utf8"));
    const text = (await Promise.all(files)).join("\n");
    const names = text.matchAll(/\b((?:jobctl|http|process|nodejs)_[a-z0-9_]+)\b(?!:)/g);
    return new Set([...names].map(([, name = ""]) => name));
  };

  it("that an alert or a panel uses are exported", async (t) => {
    shows(t, "alerts-can-fire");
    const used = await namesInUse();
    assert.ok(used.size > 15);
    // Before any job. What is measured in the background is there a moment later.
    let missing: string[] = [];
    await waitUntil("all of them have a value", async () => {
      const text = `${await scrape(cluster.server.url)}${await scrape(cluster.agents[0]?.url ?? "")}`;
      missing = [...used].filter((name) => !new RegExp(`^${name}[{ ]`, "m").test(text));
      return missing.length === 0;
    }).catch((error: unknown) => {
      throw new Error(`without a value: ${missing.join(", ")}`, { cause: error });
    });
  });

  it("are zero before anything has happened, for each service and reason", async () => {
    const text = await scrape(cluster.server.url);
    for (const service of ["default", "limited"]) {
      assert.equal(value(text, `jobctl_jobs_queued{service="${service}"}`), 0);
      for (const status of ["queued", "dispatched", "running", "collecting"])
        assert.equal(value(text, `jobctl_jobs{status="${status}",service="${service}"}`), 0);
      for (const name of ["attempts_lost_total", "job_queue_seconds_count"])
        assert.equal(value(text, `jobctl_${name}{service="${service}"}`), 0);
      for (const state of TERMINAL_STATUSES) {
        const labels = `service="${service}",tenant="default",user="other",state="${state}"`;
        assert.equal(value(text, `jobctl_jobs_finished_total{${labels}}`), 0);
      }
    }
    for (const reason of QUEUE_REASONS)
      assert.equal(value(text, `jobctl_jobs_waiting{reason="${reason}"}`), 0);
    const ofAgent = await scrape(cluster.agents[0]?.url ?? "");
    assert.equal(value(ofAgent, 'jobctl_agent_attempts{state="running"}'), 0);
    assert.equal(value(text, 'jobctl_orphans{kind="missing"}'), 0);
    assert.equal(value(text, 'jobctl_task_ok{task="gc"}'), 1);
    assert.equal(value(text, 'jobctl_task_last_success_timestamp_seconds{task="gc"}'), 0);
    assert.equal(value(text, "jobctl_backup_last_success_timestamp_seconds"), 0);
    const since = value(text, "jobctl_installation_created_timestamp_seconds");
    assert.ok(Math.abs(Date.now() / 1000 - since) < 600);
  });

  it("that only grow are counters", async () => {
    const text = await scrape(cluster.server.url);
    const types = [...text.matchAll(/^# TYPE ((?:jobctl|http)_\S+_total) (\S+)$/gm)];
    const wrong = types.filter(([, name, type]) => type !== "counter" && name !== SLOTS);
    assert.deepEqual(
      wrong.map(([, name]) => name),
      [],
    );
    assert.ok(types.length > 8);
    const grown = types.map(([, name]) => name);
    assert.ok(grown.includes("jobctl_scrub_read_bytes_total"));
  });

  it("count jobs, requests by route template, agents and what is stored", async () => {
    const ok = await cluster.submitScript("true\n", "--wait");
    const bad = await cluster.submitScript("exit 1\n");
    await cluster.jobctl(["wait", String(bad)]);
    await cluster.ok(["status", String(ok)]);
    const text = await scrape(cluster.server.url);
    const who = `service="default",tenant="default",user="${userInfo().username}"`;
    assert.equal(value(text, `jobctl_jobs_submitted_total{${who}}`), 2);
    assert.equal(value(text, `jobctl_jobs_finished_total{${who},state="completed"}`), 1);
    assert.equal(value(text, `jobctl_jobs_finished_total{${who},state="failed"}`), 1);
    assert.equal(value(text, 'jobctl_job_queue_seconds_count{service="default"}'), 2);
    assert.equal(value(text, 'jobctl_agent_up{agent="agent-1"}'), 1);
    assert.equal(value(text, 'jobctl_circuit_breaker_state{agent="agent-1"}'), 0);
    assert.equal(value(text, "jobctl_database_up"), 1);
    assert.ok(value(text, "jobctl_leader_epoch") >= 1);
    const sizes = await Promise.all(
      (await cluster.blobs()).map(async (name) => (await stat(cluster.blobPath(name))).size),
    );
    assert.equal(value(text, "jobctl_blobs"), sizes.length);
    assert.equal(
      value(text, "jobctl_blob_bytes"),
      sizes.reduce((sum, size) => sum + size, 0),
    );
    assert.ok(
      value(text, 'http_requests_total{method="GET",route="/v1/jobs/:id",code="200"}') >= 1,
    );
    assert.match(await scrape(cluster.agents[0]?.url ?? ""), /^jobctl_agent_draining 0$/m);
  });

  it("tell when the last backup was completed, also after a restart", async () => {
    const at = async (): Promise<number> =>
      value(await scrape(cluster.server.url), "jobctl_backup_last_success_timestamp_seconds");
    assert.equal(await at(), 0);
    await cluster.ok(["backup", join(cluster.root, "backup")]);
    const taken = await at();
    assert.ok(Math.abs(Date.now() / 1000 - taken) < 60);
    await cluster.server.end("SIGKILL");
    await cluster.startServer();
    assert.equal(await at(), taken);
  });

  it("tell how much of a limit is in use", async () => {
    const id = await cluster.submitScript("sleep 600\n", "--service", "limited");
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const text = await scrape(cluster.server.url);
    assert.equal(value(text, 'jobctl_quota_used_ratio{service="limited",scope="service"}'), 0.25);
    assert.equal(value(text, 'jobctl_quota_used_ratio{service="limited",scope="user"}'), 0.5);
    assert.doesNotMatch(text, /jobctl_quota_used_ratio{service="default"/);
    await cluster.ok(["cancel", String(id), "--wait"]);
  });

  it("count attempts that went with their agents, not those that were taken from one", async () => {
    const lost = async (): Promise<number> =>
      value(await scrape(cluster.server.url), 'jobctl_attempts_lost_total{service="default"}');
    const id = await cluster.submitScript("sleep 600\n");
    const onAttempt = (attempt: number): Promise<void> =>
      waitUntil(`attempt ${attempt} runs`, async () => {
        const job = await cluster.job(id);
        return job.status === "running" && job.attempt === attempt;
      });
    await onAttempt(1);
    await cluster.ok(["agents", "drain", "agent-1", "--deadline", "0s"]);
    await waitUntil("it is queued", async () => (await cluster.job(id)).status === "queued");
    assert.ok(!((await lost()) > 0));
    await cluster.ok(["agents", "resume", "agent-1"]);
    await onAttempt(2);
    await cluster.agents[0]?.end("SIGKILL");
    await cluster.startAgent(1);
    await onAttempt(3);
    assert.equal(await lost(), 1);
    await cluster.ok(["cancel", String(id), "--wait"]);
  });

  it("keep the users of a bounded number apart", async (t) => {
    shows(t, "figures-bound-names");
    const { input } = await cluster.job(1);
    for (let n = 0; n < 60; n += 1)
      await cluster.request("/v1/jobs", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ input, user: `user-${n}` }),
      });
    const text = await scrape(cluster.server.url);
    const series = text.matchAll(/^jobctl_jobs_submitted_total{.*user="([^"]*)"} /gm);
    const users = new Set([...series].map(([, user]) => user));
    assert.equal(users.size, 51);
    assert.ok(
      value(text, 'jobctl_jobs_submitted_total{service="default",tenant="default",user="other"}') >=
        10,
    );
  });

  it("tell how a job waits, and go back to zero when none does", async () => {
    const id = await cluster.submitScript("true\n", "--service", "limited", "--cpus", "1000");
    const waiting = (text: string): number[] => [
      value(text, 'jobctl_jobs_queued{service="limited"}'),
      value(text, 'jobctl_jobs_waiting{reason="no_agent"}'),
    ];
    await waitUntil("it is counted", async () => {
      const [queued, reason] = waiting(await scrape(cluster.server.url));
      return queued === 1 && reason === 1;
    });
    await cluster.ok(["cancel", String(id), "--wait"]);
    await waitUntil("none is left", async () => {
      const [queued, reason] = waiting(await scrape(cluster.server.url));
      return queued === 0 && reason === 0;
    });
  });

  it("tell how long the database takes, and the limits of the process", async () => {
    await cluster.submitScript("true\n", "--wait");
    const text = await scrape(cluster.server.url);
    for (const kind of ["query", "transaction"])
      assert.ok(value(text, `jobctl_db_${kind}_seconds_count`) > 0, kind);
    for (const url of [cluster.server.url, cluster.agents[0]?.url ?? ""]) {
      const figures = await scrape(url);
      const used = value(figures, "process_resident_memory_bytes");
      assert.ok(value(figures, "jobctl_process_memory_limit_bytes") > used);
      const heap = value(figures, "nodejs_heap_size_used_bytes");
      assert.ok(value(figures, "jobctl_process_heap_limit_bytes") > heap);
      assert.ok(value(figures, "jobctl_process_cpus") > 0);
    }
  });

  it("notice a database that is moved away, and a task that never ends well", async () => {
    const [path, away] = [join(cluster.dataPath, "jobctl.db"), join(cluster.root, "away.db")];
    const isOpen = async (): Promise<number> =>
      value(await scrape(cluster.server.url), "jobctl_db_open");
    assert.equal(await isOpen(), 1);
    await rename(path, away);
    assert.equal(await isOpen(), 0);
    await rename(away, path);
    assert.equal(await isOpen(), 1);
    const broken = await Cluster.start({ agents: 0, server: { JOBCTL_GC_SECONDS: "1" } });
    try {
      const blobs = join(broken.dataPath, "blobs");
      await rm(blobs, { recursive: true });
      await writeFile(blobs, "not a directory");
      await waitUntil("the sweep is overdue", async () => {
        const text = await scrape(broken.server.url);
        return value(text, 'jobctl_task_ok{task="gc"}') === 0;
      });
    } finally {
      await broken.stop();
    }
  });

  it("hold no token, and nothing of a path but its template", async (t) => {
    shows(t, "tokens-are-not-shown");
    shows(t, "figures-bound-names");
    await cluster.request("/v1/jobs/12345678901");
    await fetch(`${cluster.server.url}/no/such/route-xyz`);
    const text = await scrape(cluster.server.url);
    assert.doesNotMatch(text, /test-admin-token|test-agent-token|12345678901|route-xyz/);
  });
});

interface Alert {
  readonly alert: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The alerts that are shipped. */
async function alerts(): Promise<Alert[]> {
  const { groups } = parse(await readFile(join(COMPOSE, "prometheus/rules.yml"), "utf8")) as {
    groups: { rules: Alert[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

describe("the alerts", () => {
  it("name a section of the runbook each, and it names no others", async () => {
    const runbook = await readFile(join(COMPOSE, "../docs/runbook.md"), "utf8");
    const headings = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);
    const anchors = headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );
    const shipped = await alerts();
    for (const { alert, annotations } of shipped) {
      const [page, anchor = ""] = (annotations["runbook"] ?? "").split("#");
      assert.equal(page, "docs/runbook.md", alert);
      assert.ok(anchors.includes(anchor), `${alert}: #${anchor}`);
    }
    assert.deepEqual(
      headings.filter((title) => title.startsWith("Jobctl")).toSorted(),
      shipped.map(({ alert }) => alert).toSorted(),
    );
    for (const [, anchor = ""] of runbook.matchAll(/\]\(#([^)]+)\)/g))
      assert.ok(anchors.includes(anchor), `a link to #${anchor}`);
  });
});

describe("Prometheus itself", { skip: unless("Prometheus", hasPrometheus) }, () => {
  it("accepts the rules, and fires each alert when it should", async (t) => {
    const cwd = join(COMPOSE, "prometheus");
    await execa("promtool", ["check", "config", "prometheus.yml"], { cwd });
    await execa("promtool", ["test", "rules", "rules.test.yml"], { cwd });
    const { tests } = parse(await readFile(join(cwd, "rules.test.yml"), "utf8")) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const cases = tests.flatMap((test) => test.alert_rule_test);
    const shipped = await alerts();
    for (const { alert } of shipped) {
      const counts = cases
        .filter(({ alertname }) => alertname === alert)
        .map(({ exp_alerts: expected }) => expected.length);
      assert.ok(
        counts.some((count) => count > 0),
        `${alert} fires`,
      );
      assert.ok(counts.includes(0), `${alert} is quiet`);
    }
    shows(t, "alerts-can-fire", {
      what: "alerts that fire in one case of promtool and are quiet in another",
      times: shipped.length,
    });
  });

  it("finds server and agents up", async () => {
    const cluster = await Cluster.start({ agents: 2 });
    let prometheus: ChildProcess | null = null;
    try {
      const targets = (urls: string[]): string =>
        JSON.stringify(urls.map((url) => new URL(url).host));
      await writeFile(
        join(cluster.root, "prometheus.yml"),
        `global: { scrape_interval: 1s }
rule_files: [${join(COMPOSE, "prometheus/rules.yml")}]
scrape_configs:
  - job_name: jobctl-server
    static_configs: [{ targets: ${targets([cluster.server.url])} }]
  - job_name: jobctl-agent
    static_configs: [{ targets: ${targets(cluster.agents.map(({ url }) => url))} }]
`,
      );
      const port = await freePort();
      prometheus = spawn(
        "prometheus",
        [
          `--config.file=${join(cluster.root, "prometheus.yml")}`,
          `--storage.tsdb.path=${join(cluster.root, "tsdb")}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        { stdio: "ignore" },
      );
      const ask = async (path: string): Promise<{ data: Record<string, unknown> } | null> =>
        fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
          .then((answer) => answer.json() as Promise<{ data: Record<string, unknown> }>)
          .catch(() => null);
      await waitUntil("all targets are up", async () => {
        const answer = await ask("targets?state=active");
        const active = (answer?.data["activeTargets"] ?? []) as { health: string }[];
        return active.length === 3 && active.every(({ health }) => health === "up");
      });
      await waitUntil("a figure of ours is stored", async () => {
        const answer = await ask("query?query=jobctl_agent_up");
        return ((answer?.data["result"] ?? []) as unknown[]).length === 2;
      });
    } finally {
      if (prometheus !== null) {
        prometheus.kill("SIGTERM");
        await once(prometheus, "exit");
      }
      await cluster.stop();
    }
  });
});
