/** What a container engine may be asked that changes nothing. */
const LOOKS = /^(version|info|images|ps|search|help|history|stats|completion)$/;
const LOOKS_AT = /^(ls|list|history|show|ps|stats|df|info)$/;

/** Engines that run for the whole machine, as its administrator: whoever may use them is one. */
export const MACHINE_ENGINES = [
  ...[
    "docker",
    "docker-compose",
    "nerdctl",
    "ctr",
    "crictl",
    "dockerd",
    "containerd",
    "rkt",
    "kubectl",
  ],
  ...["k3s", "k0s", "microk8s", "microk8s.kubectl", "minikube", "kubeadm", "kubelet", "k9s"],
  ...[
    "virsh",
    "virt-install",
    "VBoxManage",
    "vagrant",
    "lxc",
    "lxd",
    "incus",
    "machinectl",
    "portainer",
  ],
  ...["docker-machine", "buildctl", "colima", "limactl", "kubectx", "kustomize"],
] as const;

/** Names that other software has as well, with what only the engine of that name is told. */
export const ENGINES_BY_VERB: Readonly<Record<string, RegExp>> = {
  crun: /^(run|exec|create|start|spec|kill|delete|pause|resume|update|checkpoint|restore|features|ps|state)$/,
  runc: /^(run|exec|create|start|spec|kill|delete|pause|resume|update|checkpoint|restore|list|ps|state|init)$/,
  youki: /^(run|exec|create|start|spec|kill|delete|list)$/,
  runsc: /^(run|exec|create|start|spec|kill|delete|list|do)$/,
  oc: /^(login|new-\w+|exec|rsh|rsync|debug|adm|apply|create|delete|get|describe|edit|patch|scale|run|expose|project|projects|port-forward|cp|attach|policy|start-build|rollout|set|whoami|logs|tag|import-image)$/,
  helm: /^(install|upgrade|uninstall|delete|rollback|repo|pull|template|list|get|status|plugin|registry)$/,
  kind: /^(create|delete|load|export|build)$/,
};

/** What is asked of an engine: nothing that matters, the fetching of an image, or more. */
export function engineUse(
  name: string,
  verb: string,
  next: string,
): "looks" | "fetches" | "controls" {
  if (verb === "") return "looks";
  const docker = /^(docker|nerdctl|podman|buildah)$/.test(name);
  if (docker && (verb === "pull" || (verb === "image" && next === "pull"))) return "fetches";
  if (docker && LOOKS.test(verb)) return "looks";
  if (docker && /^(image|container|volume|network|context|system)$/.test(verb)) {
    const changes =
      verb === "image"
        ? /^(build|import|load|prune|push|rm|save|tag)$/.test(next)
        : !LOOKS_AT.test(next);
    return changes ? "controls" : "looks";
  }
  const client = /^(version|help|explain|api-(resources|versions)|completion|options)$/;
  return name === "kubectl" && client.test(verb) ? "looks" : "controls";
}
