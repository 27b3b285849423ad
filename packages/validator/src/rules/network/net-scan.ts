import type { Rule } from "../../rule.js";
import { ASK } from "../advice.js";
import { programNames } from "../data/programs.js";
import { checkPrograms } from "../shared/network.js";

export const rule = {
  id: "NET-SCAN",
  family: "network",
  severity: "error",
  why: "scans a network",
  fix: ASK,
  commands: programNames("scan"),
  check: (invocation, report) => checkPrograms("scan", invocation, report),
  examples: {
    dangerous: ["nmap -sV 192.0.2.0/24", "tshark -i eth0 -w out.pcap", "tcpdump -i any"],
    honest: ["tshark -r capture.pcap -T fields", "tcpdump -nr capture.pcap", "./hydra config=a"],
  },
} as const satisfies Rule;
