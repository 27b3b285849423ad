import type { Rule } from "../../rule.js";

export const rule = {
  id: "RES-LOOP",
  family: "fork-bomb",
  severity: "error",
  why: "starts processes, or takes up memory or disk space, in an endless loop",
  fix: "Start a fixed number of processes, and wait for them.",
  // Loops of the script are found in its tree.
  commands: ["xargs", "parallel"],
  check: ({ name, args }, report, { input }) => {
    const every = args.some(
      (arg, at) =>
        /^(-P ?0|--max-procs=0|-j ?0|--jobs=0)$/.test(arg) ||
        (arg === "0" && /^(-P|--max-procs|-j|--jobs)$/.test(args[at - 1] ?? "")),
    );
    const several = every || args.some((arg) => /^(-P|--max-procs|-j|--jobs)/.test(arg));
    if (several && input.upstream[0] === "yes") report(`${name} starts processes without end`);
    else if (every && name === "xargs")
      report("xargs starts any number of processes at once", "warning");
  },
  examples: {
    dangerous: [
      "while :; do ./worker & done",
      "for i in {1..40}; do s=$s$s; done",
      "s=a; while (( ${#s} < 1000000000000 )); do s=$s$s; done",
      "while true; do echo full >> log; done",
      "while :; do text=$text$RANDOM; done",
      "for ((i = 0; i < 100000; i++)); do sleep 60 & done",
      "while [[ 1 == 1 ]]; do ./worker & done",
      "yes | xargs -P 0 -n 1 sleep",
    ],
    honest: [
      "line=-; while [ ${#line} -lt 80 ]; do line=$line$line; done",
      "while true; do if (( $(jobs -r | wc -l) < 8 )); then ./step & fi; done",
      "while true; do ./step && break; done",
      "while true; do nvidia-smi >> gpu.log; sleep 60; done",
      "for i in {1..8}; do ./worker $i & done; wait",
      'while read f; do list="$list $f"; done < files',
      'while [ $# -gt 0 ]; do args+=("$1"); shift; done',
      "ls *.dat | xargs -P 8 -n 1 ./convert",
    ],
  },
} as const satisfies Rule;
