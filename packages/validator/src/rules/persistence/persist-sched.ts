import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { asksForHelp, parseOptions, verbOf } from "../shared/options.js";

/** What `systemctl` may be asked that changes nothing. */
const LOOKS =
  /^(status|show|cat|list-\S+|is-\S+|get-default|help|show-environment|log-level|log-target|service-log-level)?$/;

const OUTLIVES =
  /^(batch|cron|crond|anacron|atd|fcron|systemd-(run|tmpfiles|cron-next)|update-rc\.d|rc-update|insserv|schtasks|supervisord|s6-svc)$/;

export const rule = {
  id: "PERSIST-SCHED",
  family: "persistence",
  severity: "error",
  why: "arranges for something to run later",
  fix: "Submit a job when it is due.",
  commands: [
    ...[
      "crontab",
      "fcrontab",
      "incrontab",
      "at",
      "batch",
      "cron",
      "crond",
      "anacron",
      "atd",
      "fcron",
      // Scripts below /etc/init.d may have any name.
      "*",
    ],
    ...[
      "systemctl",
      "systemd-run",
      "systemd-tmpfiles",
      "systemd-cron-next",
      "loginctl",
      "launchctl",
    ],
    ...["service", "rc-service", "invoke-rc.d", "chkconfig", "update-rc.d", "rc-update", "insserv"],
    ...[
      "initctl",
      "schtasks",
      "supervisorctl",
      "supervisord",
      "pm2",
      "monit",
      "sv",
      "s6-svc",
      "scrontab",
    ],
  ],
  check: ({ name, program, args }, report) => {
    if (asksForHelp(args)) return;
    if (/^\/etc\/(init|rc\w?|cron)\.\w{1,8}\//.test(program) && !args.includes("status"))
      report(`${readable(program)} is run as the machine would`);
    const text = args.join(" ").slice(0, 10_000);
    switch (name) {
      case "crontab":
      case "fcrontab":
      case "incrontab":
      case "scrontab":
        if (!/(^|\s)-l\b/.test(text)) report(`${name} arranges for something to run later`);
        break;
      case "at":
      case "batch":
        if (!/^-[lVcdr]/.test(text)) report(`${name} arranges for something to run later`);
        break;
      case "systemctl": {
        const verb = verbOf(args, "H:M:t:p:n:o:s:", [
          "host",
          "machine",
          "type",
          "property",
          "state",
        ]);
        if (!LOOKS.test(verb)) report("systemctl changes a service");
        break;
      }
      case "loginctl":
        if (/^(enable-linger|attach|terminate-\w+|kill-\w+)$/.test(verbOf(args)))
          report("loginctl changes what is left of a session");
        break;
      case "service":
      case "rc-service":
      case "invoke-rc.d":
      case "sv": {
        const words = parseOptions(args, "").operands;
        if (
          words.some((word) =>
            /^((force-)?(re)?start|stop|reload|force-reload|enable|disable|up|down|once)$/.test(
              word,
            ),
          )
        )
          report(`${name} changes a service`);
        break;
      }
      case "chkconfig":
      case "launchctl":
      case "initctl":
        if (args.length > 0 && !/^(--?list|list|status|print)/.test(text))
          report(`${name} changes a service`);
        break;
      case "supervisorctl":
      case "pm2":
      case "monit":
        if (/\b(start|restart|add|update|startup|resurrect|save|reload)\b/.test(text))
          report(`${name} changes a service`);
        break;
      default:
        if (OUTLIVES.test(name)) report(`${name} starts something that outlives the job`);
    }
  },
  examples: {
    dangerous: [
      "(crontab -l; echo '@daily ./x') | crontab -",
      "echo ./x | at -q b now + 1 day",
      "systemctl --user enable --now agent.timer",
      "systemctl -H other start agent",
      "systemd-run --on-calendar=daily ./x",
      "service agent start",
      "/etc/init.d/agent restart",
      "loginctl enable-linger",
      "scrontab nightly",
    ],
    honest: [
      "crontab -l",
      "atq",
      "systemctl status restart-agent",
      "systemctl is-active slurmd",
      "service --status-all",
      "service() { echo start; }; service start",
      "loginctl show-user me",
    ],
  },
} as const satisfies Rule;
