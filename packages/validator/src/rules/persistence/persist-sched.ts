import { readable } from "../../characters.js";
import { protectedPlace } from "../../paths.js";
import type { Rule } from "../../rule.js";
import { asksForHelp, parseOptions, verbOf } from "../shared/options.js";

/** What `systemctl` may be asked that changes nothing. */
const LOOKS =
  /^(status|show|cat|list-\S+|is-\S+|get-default|help|show-environment|log-level|log-target|service-log-level)?$/;

const OUTLIVES =
  /^(cron|crond|anacron|atd|fcron|systemd-(run|tmpfiles|cron-next)|update-rc\.d|rc-update|insserv|schtasks|supervisord|s6-svc)$/;

/** Whether a command changes what runs later, by its words and its text. */
type Arranges = (args: readonly string[], text: string) => boolean;

const crontab: Arranges = (_, text) => !/(^|\s)-l\b/.test(text);
const at: Arranges = (_, text) => !/^-[lVcdr]/.test(text);
const manages: Arranges = (args, text) =>
  args.length > 0 && !/^(--?list|list|status|print)/.test(text);
const supervises: Arranges = (_, text) =>
  /\b(start|restart|add|update|startup|resurrect|save|reload)\b/.test(text);
const starts: Arranges = (args) =>
  parseOptions(args, "").operands.some((word) =>
    /^((force-)?(re)?start|stop|(force-)?reload|enable|disable|up|down|once)$/.test(word),
  );

const ARRANGES: Readonly<Record<string, Arranges>> = {
  crontab,
  fcrontab: crontab,
  incrontab: crontab,
  scrontab: crontab,
  at,
  batch: at,
  systemctl: (args) =>
    !LOOKS.test(verbOf(args, "H:M:t:p:n:o:s:", ["host", "machine", "type", "property", "state"])),
  loginctl: (args) => /^(enable-linger|attach|terminate-\w+|kill-\w+)$/.test(verbOf(args)),
  service: starts,
  "rc-service": starts,
  "invoke-rc.d": starts,
  sv: starts,
  chkconfig: manages,
  launchctl: manages,
  initctl: manages,
  supervisorctl: supervises,
  pm2: supervises,
  monit: supervises,
};

export const rule = {
  id: "PERSIST-SCHED",
  family: "persistence",
  severity: "error",
  why: "arranges for something to run later",
  fix: "Submit a job when it is due.",
  checkFile: ({ path, normal, access }, report) => {
    if (access === "write" && protectedPlace(normal) === "spool")
      report(`${readable(path)} is written to`);
  },
  // Scripts below /etc/init.d may have any name.
  commands: ["*"],
  check: ({ name, program, args }, report) => {
    if (asksForHelp(args)) return;
    if (/^\/etc\/(init|rc\w?|cron)\.\w{1,8}\//.test(program) && !args.includes("status"))
      report(`${readable(program)} is run as the machine would`);
    const arranges = ARRANGES[name];
    if (OUTLIVES.test(name)) report(`${name} starts something that outlives the job`);
    else if (arranges?.(args, args.join(" ").slice(0, 10_000)) === true)
      report(
        /cron|^at$|^batch$/.test(name)
          ? `${name} arranges for something to run later`
          : `${name} changes a service`,
      );
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
