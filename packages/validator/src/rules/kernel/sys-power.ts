import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";
import { asksForHelp, verbOf } from "../shared/options.js";

/** Whether a command that does other things as well stops the machine. */
type Stops = (args: readonly string[]) => boolean;

const manager: Stops = (args) =>
  /^(reboot|poweroff|halt|kexec|suspend(-then-hibernate)?|hibernate|hybrid-sleep|soft-reboot|rescue|emergency|default|isolate)$/.test(
    verbOf(args, "H:M:", ["host", "machine"]),
  );
const bus: Stops = (args) =>
  args.some((arg) => /\b(PowerOff|Reboot|Halt|Suspend|Hibernate|KExec|SoftReboot)/.test(arg));
// Other programs are called so; only the system's one knows run levels.
const runLevel: Stops = ([level = ""]) => /^[0-6sSqQuUabcABC]$/.test(level);
const ipmi: Stops = (args) =>
  args.some((arg) => /^(power|chassis|raw|mc)$/.test(arg)) && !args.includes("status");
const device: Stops = (args) => args.length > 0 && !args.includes("show");

const STOPS: Readonly<Record<string, Stops>> = {
  init: runLevel,
  telinit: runLevel,
  systemctl: manager,
  loginctl: manager,
  busctl: bus,
  "dbus-send": bus,
  gdbus: bus,
  qdbus: bus,
  ipmitool: ipmi,
  "ipmi-power": (args) => !args.includes("--stat"),
  rtcwake: device,
  wdctl: device,
  vbetool: device,
};

export const rule = {
  id: "SYS-POWER",
  family: "kernel",
  severity: "error",
  why: "stops or restarts the machine",
  fix: ASK,
  commands: [
    ...["shutdown", "reboot", "poweroff", "halt", "init", "telinit", "kexec", "systemctl"],
    ...["loginctl", "busctl", "dbus-send", "gdbus", "qdbus", "ipmitool", "ipmi-power", "rtcwake"],
    ...["pm-suspend", "pm-hibernate", "pm-suspend-hybrid", "wdctl", "vbetool"],
  ],
  check: ({ name, args }, report) => {
    const stops = STOPS[name];
    if (!asksForHelp(args) && (stops === undefined || stops(args)))
      report(`${name} stops or restarts the machine`);
  },
  examples: {
    dangerous: [
      "/sbin/shutdown -h now",
      "init 6",
      "systemctl --force reboot",
      "loginctl poweroff",
      "dbus-send --system --dest=org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager.Reboot boolean:true",
      "ipmitool chassis power off",
      "kexec -e",
    ],
    honest: [
      "./init --config run.ini",
      "systemctl status slurmd",
      "ipmitool power status",
      "wandb init 5x",
    ],
  },
} as const satisfies Rule;
