import { ASK } from "../advice.js";
import type { Report, Rule } from "../../rule.js";
import type { Invocation } from "../../unwrap.js";
import { CHANGES, KERNEL_TOOLS, READS } from "../data/kernel-tools.js";
import { hasOption, operands } from "../report.js";
import { asksForHelp, parseOptions, verbOf } from "../shared/options.js";

export const rule = {
  id: "KERN-CMD",
  family: "kernel",
  severity: "error",
  why: "changes the kernel, the network or the clock of the machine",
  fix: ASK,
  commands: [
    ...["ip", "ifconfig", "route", "sysctl", "date", "mknod", "nvidia-smi"],
    ...KERNEL_TOOLS,
    ...Object.keys(READS),
    ...Object.keys(CHANGES),
  ],
  check: (invocation, report) => {
    const { name, args } = invocation;
    if (!asksForHelp(args) && changes(invocation, report))
      report(`${name} changes the kernel, the network or a device`);
  },
  examples: {
    dangerous: [
      "modprobe dummy",
      "sysctl -p settings.conf",
      "ip -4 addr add 10.1.2.3/24 dev eth1",
      "ip netns exec blue sh",
      "ifconfig eth1 promisc",
      "date --set='2001-01-01'",
      "date -us 2001-01-01",
      "date 010100002001",
      "nvidia-smi -pl 150",
      "iptables -t nat -F",
      "ethtool -s eth0 speed 10",
      "bpftrace -e 'kprobe:x { }'",
      "mknod -m 666 disk b 8 0",
    ],
    honest: [
      "date -Is",
      "date -Iseconds -d yesterday",
      "date +%s",
      "date -r results.csv",
      "ip -s addr show",
      "ip route get 10.0.0.1",
      "ifconfig ib0 | grep inet",
      "route -n",
      "nvidia-smi --query-gpu=name --format=csv -l 1",
      "nvidia-smi dmon -c 10",
      "sysctl -n kernel.pid_max",
      "modprobe --version",
      "mknod pipe p",
      "iptables -nL",
    ],
  },
} as const satisfies Rule;

/** Whether a command changes something; says so itself where that needs more words. */
function changes({ name, args }: Invocation, report: Report): boolean {
  switch (name) {
    case "ip":
      return changesNetwork(args);
    case "ifconfig":
      return operands(args).length > 1;
    case "route":
      return /^(add|del|delete|flush|change)$/.test(operands(args)[0] ?? "");
    case "sysctl":
      if (hasOption(args, "wpf", "--write") || args.some((arg) => /^--(load|system)/.test(arg)))
        return true;
      return operands(args).some((arg) => arg.includes("="));
    case "date":
      if (setsClock(args)) report("date sets the clock");
      return false;
    case "mknod":
      return operands(args).some((arg) => /^[bcu]$/.test(arg)) && args.length > 3;
    case "nvidia-smi":
      return setsGpu(args);
    default: {
      const reads = READS[name];
      const written = CHANGES[name];
      if (reads !== undefined) return args.length > 0 && !args.some((arg) => reads.test(arg));
      if (written !== undefined) return args.some((arg) => written.test(arg));
      return args.length > 0;
    }
  }
}

/** `ip [options] OBJECT VERB`, where both may be cut short. */
function changesNetwork(args: readonly string[]): boolean {
  const { given, operands: words } = parseOptions(
    args.map((arg) => (/^-[a-z]{2,}$/.test(arg) ? `-${arg}` : arg)),
    "+f:n:b:l:",
    ["family", "netns", "batch", "rcvbuf", "loops"],
  );
  if (given.has("b") || given.has("batch")) return true;
  return /^(a(d|dd)?|append|prepend|c|ch\w*|r|rep\w*|d|de|del(ete)?|s?et|f(l\w*)?|e(xec)?|attach|restore|up|down)$/.test(
    words[1] ?? "",
  );
}

function setsClock(args: readonly string[]): boolean {
  const { given, operands: words } = parseOptions(args, "d:f:I::r:s:", [
    "date",
    "file",
    "reference",
    "set",
  ]);
  // Other options read a time; a word of digits is one to set.
  return (
    given.has("s") ||
    given.has("set") ||
    words.some((word) => /^\d{8}(\d{2}){0,2}(\.\d\d)?$/.test(word))
  );
}

/** Subcommands have options of their own, and those only read: `nvidia-smi dmon -c 10`. */
function setsGpu(args: readonly string[]): boolean {
  const verb = verbOf(args);
  if (verb === args[0] && verb !== "") return setsGpuBy(verb, args.slice(1));
  return args.some((arg) =>
    /^(-(pl|pm|ac|rac|lgc|rgc|lmc|rmc|lmcd|mig|r|c|e|p|fdm|dm|am|caa|acp|cc|vm|gtt)|--(power-limit|persistence-mode|applications-clocks|reset-\S+|lock-\S+|multi-instance-gpu|gpu-reset|compute-mode|ecc-config|accounting-mode|clear-\S+)(=.*)?)$/.test(
      arg,
    ),
  );
}

function setsGpuBy(verb: string, args: readonly string[]): boolean {
  if (verb === "mig") return args.some((arg) => /^-([cd][gc]i\w?|C)$/.test(arg));
  if (verb === "drain") return args.some((arg) => /^-(m|r)$/.test(arg));
  return verb === "boost-slider" || verb === "clocks" || verb === "power-hint"
    ? args.length > 0 && !args.includes("-l")
    : false;
}
