import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { execa } from "execa";
import { parse, stringify } from "yaml";

import { Cluster } from "../support/cluster.js";
import { freePort } from "../support/free-port.js";
import { MailSink } from "../support/mail-sink.js";
import { hasAlertmanager, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const COMPOSE = fileURLToPath(new URL("../../../compose", import.meta.url));

interface Webhook {
  readonly authorization: string | undefined;
  readonly body: {
    readonly status: string;
    readonly alerts: readonly {
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  };
}

describe("Alertmanager", { skip: unless("Alertmanager", hasAlertmanager) }, () => {
  let cluster: Cluster;
  let mail: MailSink;
  const hooks: Webhook[] = [];
  const processes: ChildProcess[] = [];
  const listener = createServer((request, reply) => {
    void receive(request).then(() => reply.end());
  });

  const receive = async (request: IncomingMessage): Promise<void> => {
    const body = JSON.parse(await text(request)) as Webhook["body"];
    hooks.push({ authorization: request.headers.authorization, body });
  };
  const run = (program: string, ...args: string[]): void => {
    processes.push(spawn(program, args, { stdio: "ignore" }));
  };
  const shipped = async (name: string): Promise<Record<string, unknown>> =>
    parse(await readFile(join(COMPOSE, name), "utf8")) as Record<string, unknown>;
  const write = async (name: string, content: unknown): Promise<string> => {
    const path = join(cluster.root, name);
    await writeFile(path, typeof content === "string" ? content : stringify(content));
    return path;
  };

  before(async () => {
    cluster = await Cluster.start({ server: { JOBCTL_GC_SECONDS: "1" } });
    mail = await MailSink.start();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const [alertmanagerPort, prometheusPort] = [await freePort(), await freePort()];
    const alertmanager = `127.0.0.1:${alertmanagerPort}`;

    // The shipped files, with addresses of this machine and short intervals.
    const secret = (name: string): Promise<string> => write(name, `the ${name}`);
    const config = await shipped("alertmanager/alertmanager.yml");
    const operators = (config["receivers"] as [Record<string, [Record<string, unknown>]>])[0];
    Object.assign(operators["webhook_configs"]?.[0] ?? {}, {
      url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`,
      http_config: { authorization: { credentials_file: await secret("webhook-token") } },
    });
    const configFile = await write("alertmanager.yml", {
      ...config,
      global: {
        ...(config["global"] as object),
        smtp_smarthost: mail.address,
        smtp_require_tls: false,
        smtp_auth_password_file: await secret("password"),
      },
      route: { ...(config["route"] as object), group_wait: "1s", group_interval: "1s" },
    });
    run(
      "prometheus-alertmanager",
      ...[`--config.file=${configFile}`, `--storage.path=${join(cluster.root, "alertmanager")}`],
      ...[`--web.listen-address=${alertmanager}`, "--cluster.listen-address="],
    );
    const prometheusFile = await write("prometheus.yml", {
      ...(await shipped("prometheus/prometheus.yml")),
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [join(COMPOSE, "prometheus/rules.yml")],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
      scrape_configs: [
        {
          job_name: "jobctl-server",
          static_configs: [{ targets: [new URL(cluster.server.url).host] }],
        },
        { job_name: "alertmanager", static_configs: [{ targets: [alertmanager] }] },
      ],
    });
    run(
      "prometheus",
      ...[`--config.file=${prometheusFile}`, `--storage.tsdb.path=${join(cluster.root, "tsdb")}`],
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    );
    const countsFailures = async (): Promise<boolean> => {
      const query = "query?query=alertmanager_notifications_failed_total";
      const answer = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/${query}`)
        .then((reply) => reply.json() as Promise<{ data: { result: unknown[] } }>)
        .catch(() => null);
      return (answer?.data.result.length ?? 0) > 0;
    };
    await waitUntil("Alertmanager counts what it could not deliver", countsFailures, 120_000);
  });
  after(async () => {
    for (const child of processes) {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    listener.close();
    await mail.stop();
    await cluster.stop();
  });

  it("accepts the shipped configuration", async () => {
    await execa("amtool", ["check-config", join(COMPOSE, "alertmanager/alertmanager.yml")]);
  });

  it("sends an alert of a real server as mail and to a webhook, with the secrets of files", async (t) => {
    assert.deepEqual([hooks.length, mail.mails.length], [0, 0]);
    await cluster.submitScript("true\n", "--wait");
    const [input = ""] = await cluster.blobs();
    await rm(cluster.blobPath(input));
    await waitUntil("both have arrived", () => hooks.length > 0 && mail.mails.length > 0, 120_000);

    const [hook] = hooks;
    assert.equal(hook?.authorization, "Bearer the webhook-token");
    assert.equal(hook.body.status, "firing");
    const [alert] = hook.body.alerts;
    assert.equal(alert?.labels["alertname"], "JobctlFilesMissing");
    assert.equal(alert.labels["severity"], "critical");
    assert.match(
      alert.annotations["summary"] ?? "",
      /^archives or results that jobs refer to and that are gone: 1$/,
    );
    assert.equal(alert.annotations["runbook"], "docs/runbook.md#jobctlfilesmissing");

    const [message] = mail.mails;
    assert.equal(message?.login, "jobctl:the password");
    assert.deepEqual(message.to, ["operators@example.org"]);
    assert.match(message.text, /^Subject: .*JobctlFilesMissing/m);
    assert.match(message.text, /docs\/runbook\.md#jobctlfilesmissing/);
    shows(t, "alerts-are-delivered", {
      what: "an alert of a real server, by mail and webhook",
      times: 1,
    });
  });
});
