import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";

import * as agent from "@jobctl/agent";
import { EXIT } from "@jobctl/protocol";
import * as server from "@jobctl/server";
import { parse, parseAllDocuments } from "yaml";

import {
  KUBERNETES_DIRECTORY as ROOT,
  buildOverlay,
  type KubernetesObject,
} from "../support/kubernetes-objects.js";
import { hasKubectl, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";

const OBJECTS: KubernetesObject[] = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml") && !name.endsWith("kustomization.yaml"))
  .flatMap((name) => parseAllDocuments(readFileSync(`${ROOT}${name}`, "utf8")))
  .map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });

const find = (kind: string, name: string): KubernetesObject =>
  OBJECTS.find((object) => object.kind === kind && object.metadata.name === name);
/** What pods are made from. */
const templateOf = (kind: string, name: string): KubernetesObject => {
  const { spec } = find(kind, name);
  return (spec.jobTemplate?.spec ?? spec).template;
};
const podOf = (kind: string, name: string): KubernetesObject => templateOf(kind, name).spec;
const DAEMONS = [
  ["StatefulSet", "jobctl-server"],
  ["Deployment", "jobctl-standby"],
  ["Deployment", "jobctl-agent"],
] as const;
const PODS = [...DAEMONS, ["CronJob", "jobctl-backup"]] as const;
const NAME = "app.kubernetes.io/name";

describe("the Kubernetes objects", () => {
  it("fit the schemas of the API", async () => {
    assert.ok(OBJECTS.length >= 19);
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
    assert.deepEqual(
      podOf("Deployment", "jobctl-agent").topologySpreadConstraints.map(
        ({ topologyKey }: KubernetesObject) => topologyKey,
      ),
      ["topology.kubernetes.io/zone"],
    );
    // The autoscaler's: to apply the manifests again must not undo what it did.
    assert.equal(find("Deployment", "jobctl-agent").spec.replicas, undefined);
    const metrics = find("HorizontalPodAutoscaler", "jobctl-agent").spec.metrics;
    assert.deepEqual(
      metrics.map(
        (metric: KubernetesObject) => metric.resource?.name ?? metric.external.metric.name,
      ),
      ["cpu", "memory", "jobctl_jobs_queued"],
    );
  });

  it("give each pod its probes, limits that equal its requests, and time enough to drain", () => {
    for (const [kind, name] of DAEMONS) {
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

  it("ask to be scraped only where the network policies let monitoring in", () => {
    for (const [kind, name] of PODS) {
      const { metadata, spec } = templateOf(kind, name);
      const wanted = metadata.annotations?.["prometheus.io/port"] ?? null;
      const [{ ports = [] }] = spec.containers;
      const policies = OBJECTS.filter(
        ({ kind: type, spec: rules }) =>
          type === "NetworkPolicy" &&
          rules.podSelector.matchLabels?.[NAME] === metadata.labels[NAME],
      );
      const rules = policies.flatMap((policy) => policy.spec.ingress ?? []);
      const allowed = rules
        .filter((rule: KubernetesObject) => JSON.stringify(rule.from).includes('"monitoring"'))
        .flatMap((rule: KubernetesObject) => rule.ports)
        .map(({ port }: KubernetesObject) => ports.find(named(port))?.containerPort ?? port);
      assert.deepEqual(allowed.map(String), wanted === null ? [] : [wanted], name);
    }
  });

  it("take the address of a client from the ingress, and from nobody else", () => {
    const { data } = find("ConfigMap", "jobctl-server");
    const { access } = server.readConfig(withTokens(data));
    assert.deepEqual(access.trustedProxies, ["uniquelocal"]);
  });

  it("back up every night, with a token of a secret and a way to the server only", () => {
    const { spec } = find("CronJob", "jobctl-backup");
    assert.deepEqual([spec.concurrencyPolicy, spec.schedule], ["Forbid", "30 2 * * *"]);
    const { containers, volumes } = podOf("CronJob", "jobctl-backup");
    const command = ["tini", "-e", String(EXIT.backupIncomplete), "--", "jobctl", "backup"];
    assert.deepEqual(containers[0].command.slice(0, 7), [...command, "/backup"]);
    const [backups, token] = ["backups", "token"].map((name) =>
      volumes.find((volume: KubernetesObject) => volume.name === name),
    );
    assert.ok(find("PersistentVolumeClaim", backups.persistentVolumeClaim.claimName));
    assert.equal(token.secret.secretName, "jobctl-admin-token");
    const url = new URL(containers[0].env[0].value);
    assert.equal(find("Service", url.hostname).spec.ports[0].port, Number(url.port || 80));
    const policy = find("NetworkPolicy", "jobctl-backup").spec;
    const [toServer, names, ...more] = policy.egress;
    const [{ containerPort }] = podOf("StatefulSet", "jobctl-server").containers[0].ports;
    assert.deepEqual(toServer.to[0].podSelector.matchLabels, { [NAME]: "jobctl-server" });
    assert.deepEqual(toServer.ports, [{ port: containerPort }]);
    assert.deepEqual([names.ports[0].port, more.length], [53, 0]);
    const from = find("NetworkPolicy", "jobctl-server").spec.ingress[0].from;
    assert.ok(JSON.stringify(from).includes('"jobctl-backup"'));
  });

  it("have a standby that is the server, on its node and its volume", () => {
    const pod = podOf("Deployment", "jobctl-standby");
    const { affinity, volumes, ...same } = pod;
    const { volumes: ofServer, ...active } = podOf("StatefulSet", "jobctl-server");
    assert.deepEqual(same, active);
    const [data, ...others] = volumes;
    assert.deepEqual(others, ofServer);
    assert.equal(data.persistentVolumeClaim.claimName, "data-jobctl-server-0");
    const [near] = affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    assert.equal(near.topologyKey, "kubernetes.io/hostname");
    // The Service has both: only one of them is ever ready.
    const { labels } = templateOf("Deployment", "jobctl-standby").metadata;
    assert.equal(labels[NAME], find("Service", "jobctl-server").spec.selector[NAME]);
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
    const built = await buildOverlay();
    assert.equal(built.length, OBJECTS.length + 2);
    const volume = built.find(({ kind }) => kind === "StatefulSet").spec.volumeClaimTemplates[0];
    assert.deepEqual(volume.spec.accessModes, ["ReadWriteOnce"], "the standby can mount it");
    for (const { kind, metadata } of built)
      if (kind !== "Namespace") assert.equal(metadata.namespace, "jobctl", kind);
    const secrets = built
      .filter(({ kind }) => kind === "Secret")
      .map(({ metadata }) => metadata.name);
    const text = JSON.stringify(built.filter(({ spec }) => spec?.template ?? spec?.jobTemplate));
    for (const name of secrets) assert.ok(text.includes(`"${name}"`), name);
    assert.match(text, /"image":"registry\.example\.org\/jobctl\/server:/);
    assert.match(text, /"image":"registry\.example\.org\/jobctl\/agent:/);
  });
});

const named =
  (wanted: unknown) =>
  ({ name }: KubernetesObject): boolean =>
    name === wanted;

function withTokens(data: Record<string, string>): Record<string, string> {
  const { JOBCTL_ADMIN_TOKEN_FILE: _admin, JOBCTL_AGENT_TOKEN_FILE: _agent, ...rest } = data;
  return { ...rest, JOBCTL_ADMIN_TOKEN: "a", JOBCTL_AGENT_TOKEN: "b" };
}
