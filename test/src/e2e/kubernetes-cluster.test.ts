import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { execa } from "execa";

import { buildOverlay, type KubernetesObject } from "../support/kubernetes-objects.js";
import { OneNode } from "../support/one-node.js";
import { waitUntil } from "../support/wait-until.js";

describe("a cluster", { skip: OneNode.skip }, () => {
  let cluster: OneNode;
  const kubectl = async (...args: string[]): Promise<string> => {
    const { stdout } = await execa("kubectl", ["--namespace", "jobctl", ...args], {
      env: { KUBECONFIG: cluster.configuration },
    });
    return stdout;
  };
  const apply = async (object: KubernetesObject): Promise<void> => {
    const args = ["apply", "--validate=false", "--filename", "-"];
    const env = { KUBECONFIG: cluster.configuration };
    await execa("kubectl", args, { env, input: JSON.stringify(object) });
  };
  const soon = (what: string, condition: () => Promise<boolean>): Promise<void> =>
    waitUntil(what, condition, 120_000);
  const pods = async (): Promise<KubernetesObject[]> =>
    JSON.parse(await kubectl("get", "pods", "--output", "json")).items;

  before(async () => {
    cluster = await OneNode.start();
  });
  after(() => cluster.stop());

  it("takes every object, and makes pods of them", async () => {
    const items = (await buildOverlay()).flatMap(asOfOldCluster);
    await apply({ apiVersion: "v1", kind: "List", items });
    await soon("there are pods of all", async () => {
      const names = (await pods()).map(({ metadata }) => metadata.name).join();
      return ["jobctl-server-0", "jobctl-agent-", "jobctl-standby-"].every((name) =>
        names.includes(name),
      );
    });
  });

  it("says why a pod is pending, as the runbook has it", async () => {
    await soon("the scheduler has said why", async () => {
      const text = await kubectl("describe", "pod", "jobctl-server-0");
      return text.includes("unbound immediate PersistentVolumeClaims");
    });
    const ready = ["rollout", "status", "statefulset/jobctl-server", "--timeout=1s"];
    await assert.rejects(kubectl(...ready), /timed out waiting for the condition/);
  });

  it("makes a job of a backup now, with the token of the secret", async () => {
    // As kubectl create job --from does it, which does not know CronJobs of this version.
    const { spec } = JSON.parse(await kubectl("get", "cronjob", "jobctl-backup", "-o", "json"));
    await apply({
      ...{ apiVersion: "batch/v1", kind: "Job" },
      metadata: { name: "backup-now", namespace: "jobctl" },
      spec: spec.jobTemplate.spec,
    });
    let pod: KubernetesObject;
    await soon("it has a pod", async () => {
      pod = (await pods()).find(({ metadata }) => metadata.labels["job-name"] === "backup-now");
      return pod !== undefined;
    });
    const token = pod.spec.volumes.find(({ name }: KubernetesObject) => name === "token");
    const secret = await kubectl("get", "secret", token.secret.secretName, "--output", "json");
    assert.equal(
      Buffer.from(JSON.parse(secret).data["admin-token"], "base64").toString(),
      "a token",
    );
    assert.equal(pod.metadata.labels["app.kubernetes.io/name"], "jobctl-backup");
  });
});

/** An object for a cluster that knows earlier versions of the same interfaces; none where it has no such. */
function asOfOldCluster(object: KubernetesObject): KubernetesObject[] {
  const { apiVersion, kind } = object;
  if (apiVersion.startsWith("monitoring.coreos.com/") || kind === "HorizontalPodAutoscaler")
    return [];
  if (kind === "CronJob") return [{ ...object, apiVersion: "batch/v1beta1" }];
  if (kind === "PodDisruptionBudget") return [{ ...object, apiVersion: "policy/v1beta1" }];
  return [object];
}
