import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { execa } from "execa";
import { parseAllDocuments } from "yaml";

/** The files that are shipped for Kubernetes. */
export const KUBERNETES_DIRECTORY = fileURLToPath(new URL("../../../kubernetes/", import.meta.url));

/** As much of a Kubernetes object as a test asks for. */
// oxlint-disable-next-line typescript/no-explicit-any -- objects of every kind
export type KubernetesObject = any;

/** The example overlay in a directory of its own, with tokens and everything that it offers. */
export async function buildOverlay(): Promise<KubernetesObject[]> {
  const root = await mkdtemp(join(tmpdir(), "jobctl-kubernetes-"));
  try {
    await cp(KUBERNETES_DIRECTORY, root, { recursive: true });
    const overlay = join(root, "overlays/example");
    for (const name of ["admin-token", "agent-token"])
      await writeFile(join(overlay, name), "a token");
    const file = join(overlay, "kustomization.yaml");
    const shipped = await readFile(file, "utf8");
    await writeFile(
      file,
      shipped
        .replace("# - ../../monitoring", "- ../../monitoring")
        .replace("# components:", "components:"),
    );
    const { stdout } = await execa("kubectl", ["kustomize", overlay]);
    return parseAllDocuments(stdout).map((document) => document.toJS());
  } finally {
    await rm(root, { recursive: true });
  }
}
