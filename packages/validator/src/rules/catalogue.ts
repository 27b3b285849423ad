import type { Rule } from "../rule.js";

const STAGE = "Put the data into the job's directory and submit it along, instead of fetching it.";
const STAY = "Work in the job's own directory, in $TMPDIR, or in a scratch directory of your own.";
const ASK = "Leave this to the administrator of the machine.";
const PLAIN = "Write the command out plainly, so that it can be checked.";

/** Every rule that there is. docs/validation.md is made from this list. */
export const RULES = [
  {
    id: "PARSE",
    family: "input",
    severity: "error",
    why: "is not valid bash",
    fix: "Correct the syntax; bash -n run.sh shows the same.",
  },
  {
    id: "SHEBANG",
    family: "input",
    severity: "error",
    why: "names an interpreter other than bash or sh in its first line",
    fix: "Start run.sh with #!/bin/bash and call the other interpreter from it.",
  },
  {
    id: "ENCODING",
    family: "input",
    severity: "error",
    why: "is not valid UTF-8 text",
    fix: "Save the file as UTF-8 text.",
  },
  {
    id: "SIZE",
    family: "input",
    severity: "error",
    why: "is larger than a script may be",
    fix: "Move data out of the script into files of the job.",
  },
  {
    id: "BUDGET",
    family: "input",
    severity: "error",
    why: "is too complicated to be checked",
    fix: "Simplify the script, or split it.",
  },
  {
    id: "CRLF",
    family: "input",
    severity: "info",
    why: "has Windows line ends, which bash takes for part of the words",
    fix: "Convert it: sed -i 's/\\r$//' run.sh",
  },

  {
    id: "DEL-ROOT",
    family: "destructive",
    severity: "error",
    why: "deletes the whole file system",
    fix: STAY,
  },
  {
    id: "DEL-HOME",
    family: "destructive",
    severity: "error",
    why: "deletes a whole home directory",
    fix: STAY,
  },
  {
    id: "DEL-SYSDIR",
    family: "destructive",
    severity: "error",
    why: "deletes a directory of the system",
    fix: STAY,
  },
  {
    id: "DEL-PARENT",
    family: "destructive",
    severity: "error",
    why: "deletes directories above the job's own",
    fix: STAY,
  },
  {
    id: "DEL-UNSET",
    family: "destructive",
    severity: "warning",
    why: "deletes from the top of the file system if the variable is empty",
    fix: "Write ${NAME:?} so that it stops when the variable is empty.",
  },
  { id: "DEL-DISK", family: "destructive", severity: "error", why: "overwrites a disk", fix: ASK },
  {
    id: "DEL-PERM",
    family: "destructive",
    severity: "error",
    why: "changes the permissions or owners of the system",
    fix: STAY,
  },
  {
    id: "DEL-TRUNC",
    family: "destructive",
    severity: "error",
    why: "empties a file of the system",
    fix: STAY,
  },
  {
    id: "DEL-MVNULL",
    family: "destructive",
    severity: "error",
    why: "moves files to where they are lost",
    fix: STAY,
  },

  {
    id: "RES-FORKBOMB",
    family: "fork-bomb",
    severity: "error",
    why: "is a function that starts itself again and again",
    fix: "Start a fixed number of processes.",
  },
  {
    id: "RES-SELFEXEC",
    family: "fork-bomb",
    severity: "error",
    why: "starts its own script again in the background",
    fix: "Submit a job for each run.",
  },
  {
    id: "RES-LOOP",
    family: "fork-bomb",
    severity: "error",
    why: "starts processes in an endless loop",
    fix: "Start a fixed number of processes, and wait for them.",
  },

  {
    id: "SYS-POWER",
    family: "kernel",
    severity: "error",
    why: "stops or restarts the machine",
    fix: ASK,
  },
  {
    id: "SYS-KILLALL",
    family: "kernel",
    severity: "error",
    why: "ends processes that are not the job's",
    fix: "End your own processes by their ids: kill $pid.",
  },
  {
    id: "KERN-CMD",
    family: "kernel",
    severity: "error",
    why: "changes the kernel, the network or the clock of the machine",
    fix: ASK,
  },
  {
    id: "PATH-PROCSYS",
    family: "kernel",
    severity: "error",
    why: "writes to settings of the kernel",
    fix: ASK,
  },

  {
    id: "PRIV-CMD",
    family: "privilege",
    severity: "error",
    why: "asks for the rights of another user",
    fix: "Jobs run with the rights that they have; ask the administrator for what is missing.",
  },
  {
    id: "PRIV-SETUID",
    family: "privilege",
    severity: "error",
    why: "makes a program run as another user",
    fix: "Use chmod with three digits, such as 755.",
  },
  {
    id: "PRIV-CHOWN",
    family: "privilege",
    severity: "warning",
    why: "changes the owner of files, which jobs may not",
    fix: "Leave the owner; set the mode where others need access.",
  },

  {
    id: "ESC-NS",
    family: "escape",
    severity: "error",
    why: "changes namespaces, roots or mounts",
    fix: ASK,
  },
  {
    id: "ESC-CTRCTL",
    family: "escape",
    severity: "error",
    why: "controls containers of the machine",
    fix: "Use singularity or apptainer with an image file of the job.",
  },
  {
    id: "PATH-CTRSOCK",
    family: "escape",
    severity: "error",
    why: "uses the socket of a container engine",
    fix: ASK,
  },

  {
    id: "NET-RAW",
    family: "network",
    severity: "error",
    why: "opens a raw connection",
    fix: STAGE,
  },
  {
    id: "NET-DEVTCP",
    family: "reverse-shell",
    severity: "error",
    why: "opens a connection through /dev/tcp or /dev/udp",
    fix: STAGE,
  },
  {
    id: "NET-LISTEN",
    family: "network",
    severity: "error",
    why: "waits for connections",
    fix: "Write results to files.",
  },
  { id: "NET-SCAN", family: "network", severity: "error", why: "scans a network", fix: ASK },
  { id: "NET-TUNNEL", family: "network", severity: "error", why: "opens a tunnel", fix: ASK },
  {
    id: "NET-UPLOAD",
    family: "network",
    severity: "error",
    why: "sends data away",
    fix: "Leave results in the job's directory: they are collected.",
    needsNetwork: true,
  },
  {
    id: "NET-FETCH",
    family: "network",
    severity: "error",
    why: "fetches something, and the job has no network",
    fix: STAGE,
    needsNetwork: true,
  },
  {
    id: "NET-REMOTE",
    family: "network",
    severity: "error",
    why: "goes to another machine, and the job has no network",
    fix: STAGE,
    needsNetwork: true,
  },

  {
    id: "EXEC-NET-PIPE",
    family: "obfuscation",
    severity: "error",
    why: "runs what it gets from the network",
    fix: "Fetch it beforehand, look at it, and submit it with the job.",
  },
  {
    id: "EXEC-PIPE-SHELL",
    family: "obfuscation",
    severity: "error",
    why: "runs text that is only worked out while it runs",
    fix: PLAIN,
  },
  {
    id: "EXEC-EVAL",
    family: "obfuscation",
    severity: "warning",
    why: "runs text that is only known when it runs",
    fix: PLAIN,
  },
  {
    id: "DYN-CMD-SUBST",
    family: "obfuscation",
    severity: "error",
    why: "takes the name of the command from the output of another",
    fix: PLAIN,
  },
  {
    id: "DYN-CMD-INDIRECT",
    family: "obfuscation",
    severity: "error",
    why: "takes the name of the command from a variable that another one names",
    fix: PLAIN,
  },
  {
    id: "DYN-CMD-GLOB",
    family: "obfuscation",
    severity: "error",
    why: "finds the command by a pattern",
    fix: PLAIN,
  },
  {
    id: "INLINE-EXEC",
    family: "obfuscation",
    severity: "warning",
    why: "starts processes or opens sockets from inline code",
    fix: "Put the program into a file of the job.",
  },
  {
    id: "INLINE-NET",
    family: "reverse-shell",
    severity: "error",
    why: "connects a shell or a process to the network from inline code",
    fix: STAGE,
  },
  {
    id: "EXEC-PRELOAD",
    family: "obfuscation",
    severity: "error",
    why: "loads a library of its own into every program",
    fix: "Build the program against the library that it needs.",
  },
  {
    id: "EXEC-REBIND",
    family: "obfuscation",
    severity: "error",
    why: "gives a command another meaning",
    fix: PLAIN,
  },

  {
    id: "PATH-CRED",
    family: "files",
    severity: "error",
    why: "touches passwords or keys",
    fix: "Jobs need no credentials; give the job what it needs as a file of its own.",
  },
  {
    id: "PATH-PROC",
    family: "files",
    severity: "error",
    why: "looks into the memory or environment of other processes",
    fix: "Use what the job's own variables say.",
  },
  {
    id: "PATH-ETCWRITE",
    family: "files",
    severity: "error",
    why: "writes to the configuration of the machine",
    fix: STAY,
  },
  {
    id: "PATH-SYSWRITE",
    family: "files",
    severity: "error",
    why: "writes into the system's directories",
    fix: STAY,
  },
  {
    id: "PATH-LOG",
    family: "files",
    severity: "error",
    why: "writes to the logs of the machine",
    fix: "Write to files of the job.",
  },

  {
    id: "PERSIST-RC",
    family: "persistence",
    severity: "error",
    why: "changes what happens when somebody logs in",
    fix: "Set what the job needs in run.sh.",
  },
  {
    id: "PERSIST-SCHED",
    family: "persistence",
    severity: "error",
    why: "arranges for something to run later",
    fix: "Submit a job when it is due.",
  },
  {
    id: "PERSIST-DETACH",
    family: "persistence",
    severity: "warning",
    why: "leaves something running behind",
    fix: "Wait for what the job starts: everything ends with it.",
  },
  {
    id: "EVADE-LOG",
    family: "persistence",
    severity: "error",
    why: "removes traces from the machine's logs",
    fix: ASK,
  },

  {
    id: "SECRET-METADATA",
    family: "secrets",
    severity: "error",
    why: "asks the cloud for the machine's credentials",
    fix: "Jobs need no credentials of the machine.",
  },
  {
    id: "SECRET-ENVDUMP",
    family: "secrets",
    severity: "error",
    why: "sends the environment away",
    fix: "Name the variables that are needed.",
  },
  {
    id: "SECRET-HUNT",
    family: "secrets",
    severity: "error",
    why: "searches the machine for passwords or keys",
    fix: "Jobs need no credentials of the machine.",
  },

  {
    id: "MINE-BIN",
    family: "miner",
    severity: "error",
    why: "is a program that mines cryptocurrency",
    fix: "The machines are for research.",
  },
  {
    id: "MINE-POOL",
    family: "miner",
    severity: "error",
    why: "connects to a mining pool",
    fix: "The machines are for research.",
  },
] as const satisfies readonly Rule[];

export type RuleId = (typeof RULES)[number]["id"];

const BY_ID: ReadonlyMap<string, Rule> = new Map(RULES.map((rule) => [rule.id, rule]));

export function ruleOf(id: RuleId): Rule {
  return BY_ID.get(id) as Rule;
}
