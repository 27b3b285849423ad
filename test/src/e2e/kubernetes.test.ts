import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import * as agent from "@jobctl/agent";
import * as server from "@jobctl/server";
import { execa } from "execa";
import { parse, parseAllDocuments } from "yaml";

import { hasKubectl, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";

const ROOT = fileURLToPath(new URL("../../../kubernetes/", import.meta.url));

/** As much of a Kubernetes object as is asked for here. */
// oxlint-disable-next-line typescript/no-explicit-any -- objects of every kind; their schemas are checked below
type KubernetesObject = any;

const OBJECTS: KubernetesObject[] = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml") && !name.endsWith("kustomization.yaml"))
  .flatMap((name) => parseAllDocuments(readFileSync(`${ROOT}${name}`, "utf8")))
  .map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });

const find = (kind: string, name: string): KubernetesObject =>
  OBJECTS.find((object) => object.kind === kind && object.metadata.name === name);
const podOf = (kind: string, name: string): KubernetesObject => find(kind, name).spec.template.spec;
const PODS = [
  ["StatefulSet", "jobctl-server"],
  ["Deployment", "jobctl-agent"],
] as const;

describe("the Kubernetes objects", () => {
  it("fit the schemas of the API", async () => {
    assert.ok(OBJECTS.length >= 14);
    for (const object of OBJECTS) {
      const [library] = object.apiVersion.startsWith("monitoring.coreos.com/")
        ? ["@kubernetes-models/prometheus-operator"]
        : ["kubernetes-models"];
      const { [object.kind]: Model } = (await import(`${library}/${object.apiVersion}`)) as Record<
        string,
        new (data: unknown) => { validate(): void }
      >;
      assert.ok(Model, `${object.apiVersion} ${object.kind}`);
      new Model(object).validate();
    }
  });

  it("are in a namespace with restricted pod security, and fit it", (t) => {
    shows(t, "kubernetes-objects-are-restricted");
    const { labels } = find("Namespace", "jobctl").metadata;
    for (const mode of ["enforce", "audit", "warn"])
      assert.equal(labels[`pod-security.kubernetes.io/${mode}`], "restricted");
    for (const [kind, name] of PODS) {
      const pod = podOf(kind, name);
      assert.equal(pod.securityContext.runAsNonRoot, true);
      assert.ok(pod.securityContext.runAsUser > 0);
      assert.equal(pod.securityContext.seccompProfile.type, "RuntimeDefault");
      assert.equal(pod.automountServiceAccountToken, false);
      for (const { securityContext } of pod.containers) {
        assert.deepEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
      for (const key of ["hostNetwork", "hostPID", "hostIPC"]) assert.equal(pod[key], undefined);
      for (const volume of pod.volumes) assert.equal(volume.hostPath, undefined);
    }
  });

  it("have one server with a volume of its own, and agents that are replaced one by one", () => {
    const { spec } = find("StatefulSet", "jobctl-server");
    assert.equal(spec.replicas, 1);
    assert.deepEqual(spec.volumeClaimTemplates[0].spec.accessModes, ["ReadWriteOncePod"]);
    assert.deepEqual(find("Deployment", "jobctl-agent").spec.strategy.rollingUpdate, {
      maxUnavailable: 1,
      maxSurge: 1,
    });
    assert.equal(find("Service", "jobctl-agents").spec.clusterIP, "None");
    assert.equal(find("PodDisruptionBudget", "jobctl-agent").spec.minAvailable, 2);
    assert.ok(podOf("Deployment", "jobctl-agent").affinity.podAntiAffinity);
    const metrics = find("HorizontalPodAutoscaler", "jobctl-agent").spec.metrics;
    assert.deepEqual(
      metrics.map(
        (metric: KubernetesObject) => metric.resource?.name ?? metric.external.metric.name,
      ),
      ["cpu", "memory", "jobctl_jobs_queued"],
    );
  });

  it("give each pod its probes, limits that equal its requests, and time enough to drain", () => {
    for (const [kind, name] of PODS) {
      const pod = podOf(kind, name);
      const [container] = pod.containers;
      const timing = ({
        initialDelaySeconds,
        periodSeconds,
        timeoutSeconds,
        failureThreshold,
      }: KubernetesObject) => [
        initialDelaySeconds,
        periodSeconds,
        timeoutSeconds,
        failureThreshold,
      ];
      const { startupProbe, livenessProbe, readinessProbe } = container;
      assert.deepEqual(
        [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path),
        ["/live", "/live", "/ready"],
      );
      assert.deepEqual(timing(startupProbe), [10, 10, 5, 6]);
      assert.deepEqual(timing(livenessProbe), [40, 30, 10, 3]);
      assert.deepEqual(timing(readinessProbe), [10, 5, 5, 3]);
      assert.deepEqual(container.resources.limits, container.resources.requests);
      const { data } = find("ConfigMap", container.envFrom[0].configMapRef.name);
      const preStop = Number(container.lifecycle.preStop.exec.command[1]);
      const killGrace = name === "jobctl-agent" ? 10 : 0;
      const needed = preStop + Number(data.JOBCTL_DRAIN_SECONDS) + killGrace + 15;
      assert.ok(pod.terminationGracePeriodSeconds >= needed, `${name}: ${needed} s`);
    }
  });

  it("let agents be reached by the server only, and reach nothing", (t) => {
    shows(t, "kubernetes-policies-shut-agents-off");
    const { spec } = find("NetworkPolicy", "jobctl-agent");
    assert.deepEqual(spec.policyTypes, ["Ingress", "Egress"]);
    assert.deepEqual(spec.egress, []);
    assert.deepEqual(
      spec.ingress.flatMap((rule: KubernetesObject) => rule.from),
      [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "jobctl-server" } } }],
    );
    const deny = find("NetworkPolicy", "default-deny").spec;
    assert.deepEqual([deny.podSelector, deny.policyTypes], [{}, ["Ingress", "Egress"]]);
    const [container] = podOf("Deployment", "jobctl-agent").containers;
    assert.equal(
      container.ports.some((port: KubernetesObject) => port.hostPort !== undefined),
      false,
    );
  });

  it("set nothing but variables that the daemons know, and no token", () => {
    const known = {
      "jobctl-server": [
        ...server.SETTING_NAMES,
        "JOBCTL_ADMIN_TOKEN_FILE",
        "JOBCTL_AGENT_TOKEN_FILE",
      ],
      "jobctl-agent": [...agent.SETTING_NAMES, "JOBCTL_AGENT_TOKEN_FILE"],
    };
    for (const [name, names] of Object.entries(known)) {
      const { data } = find("ConfigMap", name);
      assert.deepEqual(
        Object.keys(data).filter((key) => !names.includes(key)),
        [],
      );
    }
    // Values are checked as the daemons check them.
    assert.ok(server.readConfig(withTokens(find("ConfigMap", "jobctl-server").data)));
    assert.ok(agent.readConfig(withTokens(find("ConfigMap", "jobctl-agent").data)));
    assert.equal(
      OBJECTS.some(({ kind }) => kind === "Secret"),
      false,
    );
  });

  it("have the server scraped, and the alerts that compose has", () => {
    const { spec } = find("ServiceMonitor", "jobctl-server");
    const service = find("Service", "jobctl-server");
    assert.deepEqual(spec.selector.matchLabels, service.metadata.labels);
    const [endpoint] = spec.endpoints;
    assert.equal(endpoint.port, service.spec.ports[0].name);
    assert.deepEqual([endpoint.path, endpoint.interval], ["/metrics", "30s"]);
    // The alerts know the server by this name.
    assert.match(service.metadata.labels[spec.jobLabel], /^jobctl/);
    const rules = parse(readFileSync(`${ROOT}../compose/prometheus/rules.yml`, "utf8"));
    assert.deepEqual(find("PrometheusRule", "jobctl").spec, rules);
    const policy = find("NetworkPolicy", "jobctl-server").spec.ingress[0].from;
    assert.ok(JSON.stringify(policy).includes('"monitoring"'));
  });

  it("end TLS at the ingress, with limits", () => {
    const ingress = find("Ingress", "jobctl");
    assert.equal(ingress.spec.tls.length, 1);
    const { annotations } = ingress.metadata;
    assert.equal(annotations["nginx.ingress.kubernetes.io/proxy-body-size"], "401m");
    assert.ok(annotations["nginx.ingress.kubernetes.io/limit-rps"]);
    // Neither figures nor health are for outside.
    assert.deepEqual(
      ingress.spec.rules[0].http.paths.map(({ path }: KubernetesObject) => path),
      ["/v1"],
    );
  });
});

describe("kustomize", { skip: unless("kubectl", hasKubectl) }, () => {
  it("puts an overlay together, with names and images in their places", async () => {
    const root = await mkdtemp(join(tmpdir(), "jobctl-kubernetes-"));
    try {
      await cp(ROOT, root, { recursive: true });
      const overlay = join(root, "overlays/example");
      for (const name of ["admin-token", "agent-token"])
        await writeFile(join(overlay, name), "a token");
      const file = join(overlay, "kustomization.yaml");
      const shipped = await readFile(file, "utf8");
      await writeFile(file, shipped.replace("# - ../../monitoring", "- ../../monitoring"));
      const { stdout } = await execa("kubectl", ["kustomize", overlay]);
      const built: KubernetesObject[] = parseAllDocuments(stdout).map((document) =>
        document.toJS(),
      );
      assert.equal(built.length, OBJECTS.length + 2);
      for (const { kind, metadata } of built)
        if (kind !== "Namespace") assert.equal(metadata.namespace, "jobctl", kind);
      const secrets = built
        .filter(({ kind }) => kind === "Secret")
        .map(({ metadata }) => metadata.name);
      const text = JSON.stringify(built.filter(({ spec }) => spec?.template !== undefined));
      for (const name of secrets) assert.ok(text.includes(`"${name}"`), name);
      assert.match(text, /"image":"registry\.example\.org\/jobctl\/server:/);
      assert.match(text, /"image":"registry\.example\.org\/jobctl\/agent:/);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});

function withTokens(data: Record<string, string>): Record<string, string> {
  const { JOBCTL_ADMIN_TOKEN_FILE: _admin, JOBCTL_AGENT_TOKEN_FILE: _agent, ...rest } = data;
  return { ...rest, JOBCTL_ADMIN_TOKEN: "a", JOBCTL_AGENT_TOKEN: "b" };
}
