import type { Report, Rule } from "../../rule.js";
import type { Invocation } from "../../unwrap.js";
import { readable } from "../../characters.js";
import { asksForHelp, parseOptions } from "../shared/options.js";

/** Programs that give the rights of another user, whatever they are told. */
const OTHER_RIGHTS = [
  ...[
    "sudo",
    "su",
    "doas",
    "pkexec",
    "runuser",
    "sudoedit",
    "gosu",
    "su-exec",
    "run0",
    "ksu",
    "sux",
  ],
  ...["pfexec", "calife", "dzdo", "pbrun", "pmrun", "kdesu", "kdesudo", "gksu", "gksudo"],
  ...["beesu", "lxqt-sudo", "su-to-root", "userhelper", "setuidgid", "s6-setuidgid", "chpst"],
  ...["pkttyagent", "sudo_root", "sudo-rs", "su-rs", "visudo", "sudoreplay", "suexec"],
] as const;

/** Programs that change who may log in, or as whom. */
const ACCOUNT_TOOLS = [
  ...["useradd", "adduser", "userdel", "deluser", "usermod", "groupadd", "addgroup", "groupdel"],
  ...[
    "delgroup",
    "groupmod",
    "gpasswd",
    "chpasswd",
    "chgpasswd",
    "newusers",
    "vipw",
    "vigr",
    "chsh",
  ],
  ...["chfn", "pwconv", "pwunconv", "grpconv", "lpasswd", "luseradd", "lusermod", "smbpasswd"],
  ...["kadmin", "kadmin.local", "authconfig", "authselect", "pam-auth-update", "faillock"],
  ...["pam_tally2", "update-passwd", "newuidmap", "newgidmap", "setcap", "cloud-init"],
] as const;

/** Groups whose members have the machine. */
const POWERFUL_GROUP = /^(root|wheel|sudo|admin|adm|docker|lxd|libvirt|kvm|disk|shadow|0)$/;

export const rule = {
  id: "PRIV-CMD",
  family: "privilege",
  severity: "error",
  why: "asks for the rights of another user",
  fix: "Jobs run with the rights that they have; ask the administrator for what is missing.",
  commands: [
    ...OTHER_RIGHTS,
    ...ACCOUNT_TOOLS,
    ...["passwd", "chage", "newgrp", "sg", "chattr", "setpriv", "capsh", "busctl", "dbus-send"],
    ...["gdbus", "srun", "sbatch", "salloc", "start-stop-daemon", "daemonize", "renice"],
  ],
  check: (invocation, report) => {
    if (!asksForHelp(invocation.args)) look(invocation, report);
  },
  examples: {
    dangerous: [
      "sudo -n make install",
      "run0 id",
      "newgrp docker",
      "setpriv --reuid 0 bash",
      "chattr +i results",
      "srun --uid=root hostname",
      "start-stop-daemon --start --chuid root --exec ./x",
      "echo me:secret | chpasswd",
      "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 x StartTransientUnit",
    ],
    honest: [
      "echo sudo",
      "newgrp lab_users",
      "setpriv --dump",
      "capsh --print",
      "chage -l me",
      "chattr +C scratch",
      "su --version",
    ],
  },
} as const satisfies Rule;

function look({ name, args }: Invocation, report: Report): void {
  switch (name) {
    case "passwd":
      if (!/^(-S|--status)$/.test(args[0] ?? "")) report("passwd changes a password");
      break;
    case "chage":
      if (!/^(-l|--list)$/.test(args[0] ?? ""))
        report("chage changes how long an account is valid");
      break;
    case "newgrp":
    case "sg": {
      const group = args.find((arg) => !arg.startsWith("-"));
      if (group !== undefined && POWERFUL_GROUP.test(group))
        report(`${name} asks for the rights of the group ${group}`);
      break;
    }
    case "chattr":
      // Only what nobody can undo needs other rights; the rest is tuning of the file system.
      if (args.some((arg) => /^[-+=][A-Za-z]{0,20}[ia]/.test(arg)))
        report("chattr protects a file from everyone, which only an administrator may");
      break;
    case "setpriv":
      if (!/^(-d|--dump|--list-caps|--no-new-privs|--nnp)$/.test(args[0] ?? ""))
        report("setpriv runs a command with other rights");
      break;
    case "capsh":
      if (!args.every((arg) => /^--(print|decode=\w+|supports=\S+|explain=\S+)$/.test(arg)))
        report("capsh runs a command with other rights");
      break;
    case "busctl":
    case "dbus-send":
    case "gdbus":
      if (
        args.some((arg) =>
          /(StartTransientUnit|Accounts\.(Create|Set|Delete)|CreateUser|SetPassword|AddUser|EnableUnitFiles|StartUnit)/.test(
            arg,
          ),
        )
      )
        report(`${name} asks a service of the machine for its rights`);
      break;
    case "srun":
    case "sbatch":
    case "salloc":
      for (const [at, arg] of args.entries())
        if (
          /^--[ug]id(=(root|0))?$/.test(arg) &&
          (arg.includes("=") || /^(root|0)$/.test(args[at + 1] ?? ""))
        )
          report(`${name} is told to run as root`);
      break;
    case "start-stop-daemon":
    case "daemonize": {
      const { given } = parseOptions(args, "c:u:g:p:x:a:n:", ["chuid", "user", "exec", "startas"]);
      if (["chuid", ...(name === "daemonize" ? ["u"] : ["c"])].some((option) => given.has(option)))
        report(`${name} starts a program as another user`);
      break;
    }
    case "renice":
      if (args.some((arg, at) => /^-\d+$/.test(arg) && (at === 0 || args[at - 1] === "-n")))
        report("renice asks for more than its share of the processor", "warning");
      break;
    default:
      report(
        (ACCOUNT_TOOLS as readonly string[]).includes(name)
          ? `${name} changes accounts or the rights of programs`
          : `${readable(name)} asks for other rights`,
      );
  }
}
