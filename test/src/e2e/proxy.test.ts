import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

import { Cluster } from "../support/cluster.js";
import { freePort } from "../support/free-port.js";
import { hasNginx, unless } from "../support/requirements.js";
import { waitUntil } from "../support/wait-until.js";

const CONFIGURATION = fileURLToPath(new URL("../../../compose/nginx/jobctl.conf", import.meta.url));

describe("behind nginx", { skip: unless("nginx", hasNginx) }, () => {
  let cluster: Cluster;
  let nginx: ChildProcess;
  let port: number;
  before(async () => {
    cluster = await Cluster.start();
    port = await freePort();
    const file = (name: string): string => join(cluster.root, "nginx", name);
    await mkdir(file("tls"), { recursive: true });
    await execa("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost"],
      ...["-keyout", file("tls/tls.key"), "-out", file("tls/tls.crt")],
    ]);
    // The shipped file, with the addresses and paths of this test.
    const shipped = await readFile(CONFIGURATION, "utf8");
    const adapted = shipped
      .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
      .replaceAll("/etc/nginx/tls", file("tls"));
    await writeFile(file("jobctl.conf"), adapted);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${file(kind)};`)
      .join(" ");
    await writeFile(
      file("nginx.conf"),
      `daemon off; pid ${file("pid")}; error_log ${file("error.log")}; events {}
http { access_log off; ${paths}
map "" $jobctl_server { default ${new URL(cluster.server.url).host}; }
include ${file("jobctl.conf")}; }`,
    );
    await execa("nginx", ["-t", "-c", file("nginx.conf")]);
    nginx = spawn("nginx", ["-c", file("nginx.conf")], { stdio: "ignore" });
    await waitUntil("nginx answers", () =>
      ask("GET", "/live").then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  });
  after(async () => {
    nginx.kill("SIGTERM");
    await once(nginx, "exit");
    await cluster.stop();
  });

  /** A request through TLS; the body is only announced. */
  const ask = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number }> => {
    const outgoing = request({
      ...{ host: "localhost", port, method, path, agent: false, timeout: 5000 },
      ca: await readFile(join(cluster.root, "nginx/tls/tls.crt")),
      headers: { ...cluster.authorization, ...headers },
    });
    outgoing.flushHeaders();
    if (!("content-length" in headers)) outgoing.end();
    const [answer] = await once(outgoing, "response");
    answer.resume();
    outgoing.destroy();
    return { status: answer.statusCode };
  };

  it("a job goes through TLS from submit to download", async () => {
    const env = {
      JOBCTL_SERVER: `https://localhost:${port}`,
      NODE_EXTRA_CA_CERTS: join(cluster.root, "nginx/tls/tls.crt"),
    };
    const directory = await cluster.makeJob({ "run.sh": "echo through > result.txt\n" });
    const id = (await cluster.ok(["submit", directory, "--wait"], { env })).trim();
    await cluster.ok(["download", id, "-o", "out"], { env });
    assert.equal(await readFile(join(cluster.root, "out/result.txt"), "utf8"), "through\n");
    assert.equal(await cluster.ok(["logs", "-f", id], { env }), "");
  });

  it("a restart of the server is seen by nobody", async () => {
    const env = {
      JOBCTL_SERVER: `https://localhost:${port}`,
      NODE_EXTRA_CA_CERTS: join(cluster.root, "nginx/tls/tls.crt"),
    };
    await cluster.server.end("SIGTERM");
    const asking = cluster.spawn(["status", "--json"], { env });
    await waitUntil("nginx says that it is away", () =>
      ask("GET", "/live").then(({ status }) => status === 502),
    );
    await cluster.startServer();
    assert.equal((await asking).exitCode, 0);
  });

  it("what is too large is refused before it is sent", async () => {
    const headers = {
      "content-length": String(500 * 1024 ** 2),
      "content-type": "multipart/form-data; boundary=x",
    };
    assert.equal((await ask("POST", "/v1/jobs", headers)).status, 413);
  });

  it("figures and documentation are not for everybody", async () => {
    for (const path of ["/metrics", "/docs", "/docs/x", "/openapi.json"])
      assert.equal((await ask("GET", path)).status, 403, path);
  });

  it("too many submits at once are slowed down, other requests are not", async () => {
    const many = async (method: string, path: string): Promise<number[]> =>
      (await Promise.all(Array.from({ length: 60 }, () => ask(method, path)))).map(
        ({ status }) => status,
      );
    assert.ok((await many("POST", "/v1/jobs")).includes(429));
    assert.ok(!(await many("GET", "/v1/jobs")).includes(429));
  });
});
