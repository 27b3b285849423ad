import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";
import { asksForHelp, verbOf } from "../shared/options.js";

/** What a machine or its login manager is told over D-Bus or IPMI. */
const STOPS = /\b(PowerOff|Reboot|Halt|Suspend|Hibernate|KExec|SoftReboot)(WithFlags)?\b/;

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
    if (asksForHelp(args)) return;
    switch (name) {
      case "init":
      case "telinit":
        // Other programs are called so; only the system's one knows run levels.
        if (/^[0-6sSqQuUabcABC]$/.test(args[0] ?? "")) report(`${name} changes the run level`);
        break;
      case "shutdown":
        report("shutdown stops the machine");
        break;
      case "systemctl":
      case "loginctl": {
        const verb = verbOf(args, "H:M:", ["host", "machine"]);
        if (
          /^(reboot|poweroff|halt|kexec|suspend(-then-hibernate)?|hibernate|hybrid-sleep|soft-reboot|rescue|emergency|default|isolate)$/.test(
            verb,
          )
        )
          report(`${name} ${verb} stops the machine`);
        break;
      }
      case "busctl":
      case "dbus-send":
      case "gdbus":
      case "qdbus":
        if (args.some((arg) => STOPS.test(arg))) report(`${name} tells the machine to stop`);
        break;
      case "ipmitool":
      case "ipmi-power":
        if (/\b(power|chassis|raw|mc)\b/.test(args.join(" ")) && !/\bstatus\b/.test(args.join(" ")))
          report(`${name} controls the machine's power`);
        break;
      case "wdctl":
      case "vbetool":
      case "rtcwake":
        if (args.length > 0 && !args.includes("show"))
          report(`${name} controls the machine's power`);
        break;
      default:
        report(`${name} stops or restarts the machine`);
    }
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
