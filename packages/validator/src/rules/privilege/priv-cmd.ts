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

/** Calls over D-Bus by which a service does with its rights what the caller may not. */
const ASKS_SERVICES =
  /(StartTransientUnit|Accounts\.(Create|Set|Delete)|CreateUser|SetPassword|AddUser|EnableUnitFiles|StartUnit)/;

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
    ...["gdbus", "srun", "sbatch", "salloc", "start-stop-daemon", "daemonize"],
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

/** What a command asks for; null for nothing. */
type Asks = (args: readonly string[], name: string) => string | null;

const group: Asks = (args, name) => {
  const wanted = args.find((arg) => !arg.startsWith("-"));
  return wanted !== undefined && POWERFUL_GROUP.test(wanted)
    ? `${name} asks for the rights of the group ${wanted}`
    : null;
};
const bus: Asks = (args, name) =>
  args.some((arg) => ASKS_SERVICES.test(arg))
    ? `${name} asks a service of the machine for its rights`
    : null;
const asRoot: Asks = (args, name) =>
  args.some(
    (arg, at) =>
      /^--[ug]id=(root|0)$/.test(arg) ||
      (/^--[ug]id$/.test(arg) && /^(root|0)$/.test(args[at + 1] ?? "")),
  )
    ? `${name} is told to run as root`
    : null;
const asOther: Asks = (args, name) => {
  const { given } = parseOptions(args, "c:u:g:p:x:a:n:", ["chuid", "user", "exec", "startas"]);
  return given.has("chuid") || given.has(name === "daemonize" ? "u" : "c")
    ? `${name} starts a program as another user`
    : null;
};

const ASKS: Readonly<Record<string, Asks>> = {
  passwd: ([first = ""]) => (/^(-S|--status)$/.test(first) ? null : "passwd changes a password"),
  chage: ([first = ""]) =>
    /^(-l|--list)$/.test(first) ? null : "chage changes how long an account is valid",
  newgrp: group,
  sg: group,
  // Only what nobody can undo needs other rights; the rest is tuning of the file system.
  chattr: (args) =>
    args.some((arg) => /^[-+=][A-Za-z]{0,20}[ia]/.test(arg))
      ? "chattr protects a file from everyone, which only an administrator may"
      : null,
  setpriv: ([first = ""]) =>
    /^(-d|--dump|--list-caps|--no-new-privs|--nnp)$/.test(first)
      ? null
      : "setpriv runs a command with other rights",
  capsh: (args) =>
    args.every((arg) => /^--(print|decode=\w+|supports=\S+|explain=\S+)$/.test(arg))
      ? null
      : "capsh runs a command with other rights",
  busctl: bus,
  "dbus-send": bus,
  gdbus: bus,
  srun: asRoot,
  sbatch: asRoot,
  salloc: asRoot,
  "start-stop-daemon": asOther,
  daemonize: asOther,
};

function look({ name, args }: Invocation, report: Report): void {
  const asks = ASKS[name];
  const message =
    asks === undefined
      ? (ACCOUNT_TOOLS as readonly string[]).includes(name)
        ? `${name} changes accounts or the rights of programs`
        : `${readable(name)} asks for other rights`
      : asks(args, name);
  if (message !== null) report(message);
}
