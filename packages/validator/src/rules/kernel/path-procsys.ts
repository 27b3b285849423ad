import { readable } from "../../characters.js";
import { protectedPlace } from "../../paths.js";
import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-PROCSYS",
  family: "kernel",
  severity: "error",
  why: "writes to settings of the kernel",
  fix: ASK,
  checkFile: ({ path, normal, access }, report) => {
    if (access === "write" && protectedPlace(normal) === "proc")
      report(`${readable(path)} is written to`);
  },
  examples: {
    dangerous: [
      "echo 1 > /proc/sys/vm/panic_on_oom",
      "echo s | tee /proc/sysrq-trigger",
      "echo 3 > /proc/irq/default_smp_affinity",
      "echo ./x > /tmp/group/release_agent",
      "echo x > ../../../../../../sys/kernel/uevent_helper",
    ],
    honest: [
      "cat /proc/sys/kernel/pid_max",
      "cat /sys/class/thermal/thermal_zone0/temp > temperature",
      "echo done > /proc/self/fd/2",
    ],
  },
} as const satisfies Rule;
