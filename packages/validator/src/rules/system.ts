import { readable } from "../characters.js";
import type { CommandRule } from "./report.js";
import { SHELLS } from "../embedded.js";
import { hasOption, operands } from "./report.js";

const PRIVILEGE = new Set([
  "setpriv",
  "usermod",
  "groupdel",
  "chattr",
  "sudo",
  "su",
  "doas",
  "pkexec",
  "runuser",
  "sudoedit",
  "visudo",
  "gosu",
  "su-exec",
  "newgrp",
  "sg",
  "useradd",
  "adduser",
  "userdel",
  "deluser",
  "groupadd",
  "groupmod",
  "passwd",
  "chpasswd",
  "chage",
  "vipw",
  "gpasswd",
  "setcap",
  "capsh",
  "chsh",
]);
const NAMESPACE = new Set([
  "nsenter",
  "unshare",
  "chroot",
  "pivot_root",
  "mount",
  "umount",
  "fusermount",
  "switch_root",
  "systemd-nspawn",
  "setns",
  "debugfs",
  "lxc-attach",
  "bwrap",
  "lxc-start",
  "kpartx",
  "bindfs",
]);
const ENGINES = new Set([
  "docker",
  "dockerd",
  "docker-compose",
  "kubectl",
  "ctr",
  "crictl",
  "nerdctl",
  "lxc",
  "lxd",
  "virsh",
  "helm",
  "oc",
  "minikube",
  "containerd",
  "runc",
  "crun",
  "buildah",
  "machinectl",
]);
export const systemRules: CommandRule = ({ name, args }, found) => {
  if (name === "dmesg" && hasOption(args, "cCnD", "--clear"))
    found("EVADE-LOG", "dmesg clears the kernel's messages");
  if (/^(srun|sbatch|salloc)$/.test(name) && args.some((arg) => /^--[ug]id=(root|0)$/.test(arg)))
    found("PRIV-CMD", `${name} is told to run as root`);
  if (PRIVILEGE.has(name)) found("PRIV-CMD", `${name} asks for other rights`);
  if (name === "chmod" && makesSetId(args)) {
    // A directory that passes its group on is common; a program that runs as its group is not.
    const groupOnly = /^(g\+[rwxXt]*s|0?2[0-7]{3})$/.test(operands(args)[0] ?? "");
    found(
      "PRIV-SETUID",
      `chmod ${readable(args.join(" "))} sets the ${groupOnly ? "set-group-id" : "set-user-id"} bit`,
      groupOnly ? "warning" : undefined,
    );
  }
  if (
    name === "install" &&
    args.some((arg, at) =>
      /^(-m|--mode)$/.test(args[at - 1] ?? "")
        ? /^[2467]\d{3}$|[+=][rwx]*s/.test(arg)
        : /^(--mode=|-m)[2467]\d{3}$/.test(arg) || /^[ugoa]+[+=][rwx]*s/.test(arg),
    )
  )
    found("PRIV-SETUID", "install sets the set-user-id bit");
  if ((name === "chown" || name === "chgrp") && args.length > 1)
    found(
      "PRIV-CHOWN",
      `${name} changes the owner`,
      /(^|\s)(root|0)(:|\s|$)/.test(args.join(" ")) ? "error" : "warning",
    );

  if (NAMESPACE.has(name) && !(name === "mount" && args.length === 0))
    found("ESC-NS", `${name} changes namespaces, roots or mounts`);
  if (ENGINES.has(name)) found("ESC-CTRCTL", `${name} controls containers`);
  if (name === "podman") found("ESC-CTRCTL", "podman controls containers", "warning");
  if (
    (name === "singularity" || name === "apptainer") &&
    /(-B|--bind)[ =]\/(:|\s|,)|--(add-caps|allow-setuid|writable-tmpfs=|keep-privs)/.test(
      args.join(" "),
    )
  )
    found("ESC-CTRCTL", `${name} is given the machine's files or capabilities`);

  if ((SHELLS.has(name) || /bash$/.test(name)) && args.includes("-p"))
    found("PRIV-SETUID", `${name} -p keeps the rights of a set-user-id program`);
  schedule(name, args, found);
};

function makesSetId(args: readonly string[]): boolean {
  const mode = operands(args)[0] ?? "";
  return (
    /^0?[2467][0-7]{3}$/.test(mode) ||
    /(^|,)[ugoa]*[+=][rwxXt]*s/.test(mode) ||
    args.some((arg) => /^[ugoa]*\+[rwxXt]*s/.test(arg))
  );
}

function schedule(name: string, args: readonly string[], found: Parameters<CommandRule>[1]): void {
  const text = args.join(" ");
  if (name === "crontab" && !/^-l\b/.test(text))
    found("PERSIST-SCHED", "crontab arranges for something to run later");
  if ((name === "at" || name === "batch") && !/^-[lqV]/.test(text))
    found("PERSIST-SCHED", `${name} arranges for something to run later`);
  if (
    name === "systemctl" &&
    /\b(enable|start|restart|daemon-reload|edit|link|mask|stop|disable)\b/.test(text)
  )
    found("PERSIST-SCHED", "systemctl changes a service");
  if (
    [
      "systemd-run",
      "service",
      "chkconfig",
      "update-rc.d",
      "rc-update",
      "initctl",
      "launchctl",
      "schtasks",
    ].includes(name)
  )
    found("PERSIST-SCHED", `${name} changes a service`);
  if (name === "loginctl" && /enable-linger/.test(text))
    found("PERSIST-SCHED", "loginctl keeps processes after the end");
  if (name === "disown") found("PERSIST-DETACH", "disown leaves a process behind");
  if (name === "screen" && /-\w*d\w*m|-dmS?/.test(text))
    found("PERSIST-DETACH", "screen leaves a session behind");
  if (name === "tmux" && /\bnew(-session)?\b.*-\w*d/.test(text))
    found("PERSIST-DETACH", "tmux leaves a session behind");
  if (name === "setsid") found("PERSIST-DETACH", "setsid leaves the job's session");
  if (name === "history" && hasOption(args, "cw"))
    found("EVADE-LOG", "history is cleared", "warning");
  if (name === "journalctl" && /--vacuum|--rotate/.test(text))
    found("EVADE-LOG", "journalctl removes logs");
  if (["logrotate", "wtmpclean", "utmpdump"].includes(name) && /-f|-r/.test(text))
    found("EVADE-LOG", `${name} changes logs`);
}
