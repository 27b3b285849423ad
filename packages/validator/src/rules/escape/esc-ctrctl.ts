import type { Report, Rule } from "../../rule.js";
import type { Invocation } from "../../unwrap.js";
import { ENGINES_BY_VERB, MACHINE_ENGINES, engineUse } from "../data/container-engines.js";
import { asksForHelp, parseOptions } from "../shared/options.js";

export const rule = {
  id: "ESC-CTRCTL",
  family: "escape",
  severity: "error",
  why: "controls containers of the machine",
  fix: "Use singularity or apptainer with an image file of the job.",
  commands: [
    ...MACHINE_ENGINES,
    ...[
      "podman",
      "podman-compose",
      "buildah",
      "crun",
      "runc",
      "youki",
      "runsc",
      "oc",
      "helm",
      "kind",
    ],
    ...["singularity", "apptainer", "charliecloud", "shifter", "sarus", "enroot"],
  ],
  check: (invocation, report) => {
    const { name, args } = invocation;
    if (asksForHelp(args)) return;
    if (/^(singularity|apptainer)$/.test(name)) checkImageRunner(invocation, report);
    else if (/^(shifter|sarus|charliecloud|enroot)$/.test(name)) {
      if (mountsOf(args).some(isWholeMachine)) report(`${name} is given the machine's files`);
    } else if (/^(podman|podman-compose|buildah)$/.test(name)) checkRootless(invocation, report);
    else checkEngine(invocation, report);
  },
  examples: {
    dangerous: [
      "docker run -v /:/mnt alpine chroot /mnt",
      "docker -H tcp://10.0.0.1:2375 ps",
      "nerdctl exec -it x sh",
      "ctr run --privileged docker.io/library/alpine:latest x",
      "kubectl debug node/n1 -it --image=busybox",
      "podman run -v /:/mnt alpine",
      "oc adm policy add-scc-to-user privileged me",
      "apptainer exec -B /:/mnt image.sif ls",
      "singularity exec --bind=/etc:/etc,/:/all image.sif ls",
    ],
    honest: [
      "docker --version",
      "docker images",
      "docker pull alpine",
      "docker image ls",
      "crun -p env python x.py",
      "oc --input water.oc",
      "kubectl version --client",
      "apptainer exec --nv -B /scratch:/scratch image.sif python x.py",
      "singularity pull docker://alpine",
    ],
  },
} as const satisfies Rule;

const GLOBAL = [
  ...["host", "context", "config", "log-level", "namespace", "address", "server", "kubeconfig"],
  ...[
    "cluster",
    "user",
    "token",
    "tlscacert",
    "tlscert",
    "tlskey",
    "root",
    "runtime",
    "storage-driver",
  ],
];

function checkEngine({ name, args }: Invocation, report: Report): void {
  const { given, operands } = parseOptions(args, "+H:c:l:n:a:s:", GLOBAL);
  const [verb = "", next = ""] = operands;
  const byVerb = ENGINES_BY_VERB[name];
  if (byVerb !== undefined && !byVerb.test(verb)) return;
  const elsewhere = ["H", "host", "context", "s", "server", "kubeconfig", "token"];
  const use = elsewhere.some((option) => given.has(option))
    ? "controls"
    : engineUse(name, verb, next);
  if (use === "controls" || /^(dockerd|containerd|kubelet)$/.test(name))
    report(`${name} controls containers`);
}

/** Engines without rights of their own: what matters is what of the machine they are given. */
function checkRootless({ name, args }: Invocation, report: Report): void {
  const { given, operands } = parseOptions(args, "+c:", [...GLOBAL, "url", "connection"]);
  const text = args.join(" ").slice(0, 20_000);
  if (["remote", "r", "url", "connection"].some((option) => given.has(option)))
    report(`${name} controls an engine elsewhere`);
  else if (
    mountsOf(args).some(isWholeMachine) ||
    /--(pid|ipc|userns|uts|cgroupns)[= ]host\b/.test(text)
  )
    report(`${name} is given the machine's files or processes`);
  else if (
    engineUse(name.replace(/-compose$/, ""), operands[0] ?? "", operands[1] ?? "") !== "looks"
  )
    report(`${name} controls containers`, "warning");
}

function checkImageRunner({ name, args }: Invocation, report: Report): void {
  const { operands } = parseOptions(args, "+c:", ["config"]);
  const option = /^--(add-caps|allow-setuid|keep-privs|security)(=|$)/;
  // Runs with the rights of the job: only what is the administrator's is worth a word.
  const taken = mountsOf(args).some((path) => /^\/(\.|root|boot)?\/?$/.test(path));
  if (taken || args.some((arg) => option.test(arg)))
    report(`${name} is given the machine's files or capabilities`);
  if (operands[0] === "capability" && /^(add|drop)$/.test(operands[1] ?? ""))
    report(`${name} changes capabilities`);
  if (operands[0] === "config" && /^(global|fakeroot)$/.test(operands[1] ?? ""))
    report(`${name} changes how the machine runs containers`);
}

/** What of the machine's files a container is given. */
function mountsOf(args: readonly string[]): readonly string[] {
  return args.flatMap((arg, at) => {
    const attached = /^(?:-[vBVm]|--(?:volume|bind|mount|scratch)=)(.+)$/.exec(arg)?.[1];
    const value =
      attached ??
      (/^(-v|-B|-V|-b|-m|--volume|--bind|--mount)$/.test(arg) ? (args[at + 1] ?? "") : "");
    return value
      .split(",")
      .map((mount) => mount.replace(/^(source|src|type=bind)=?/, "").split(":")[0] ?? "");
  });
}

function isWholeMachine(path: string): boolean {
  return /^\/(|\.|etc|root|proc|sys|dev|boot|var|var\/run|run|var\/run\/docker\.sock)\/?$/.test(
    path,
  );
}
