/** A promise to those who run jobctl. Tests that show it name its id: `shows()`. */
interface Promised {
  readonly id: string;
  readonly area: string;
  readonly text: string;
  /** The document that gives it, below the root of the repository. */
  readonly source: string;
}

const JOBS = "Isolation of jobs";
const INTAKE = "What is let in";
const NETWORK = "Network";
const ACCESS = "Access and secrets";
const CONTAINERS = "Containers";
const DURABILITY = "Durability";
const OPERATION = "Operation";

const SANDBOX = "docs/sandbox.md";
const SECURITY = "SECURITY.md";
const RELIABILITY = "docs/reliability.md";
const PRODUCTION = "docs/production.md";

/** In the order of docs/compliance.md, which `npm run compliance` writes. */
export const PROMISES = [
  {
    id: "job-has-no-privileges",
    area: JOBS,
    text: "A job is no other user, has no capability and cannot gain one",
    source: SANDBOX,
  },
  {
    id: "job-writes-no-system-files",
    area: JOBS,
    text: "A job cannot write to the system's directories",
    source: SANDBOX,
  },
  {
    id: "job-cannot-reach-agent",
    area: JOBS,
    text: "A job cannot read the agent's data, token, environment or user's files, nor see or signal its process",
    source: SANDBOX,
  },
  {
    id: "job-makes-no-namespaces",
    area: JOBS,
    text: "A job cannot mount, make devices or namespaces",
    source: SANDBOX,
  },
  {
    id: "jobs-are-apart",
    area: JOBS,
    text: "A job cannot see or touch another job",
    source: SANDBOX,
  },
  {
    id: "job-is-limited",
    area: JOBS,
    text: "Processes, memory, files, disk, output and time of a job are limited, and its agent goes on",
    source: SANDBOX,
  },
  {
    id: "nothing-outlives-a-job",
    area: JOBS,
    text: "Nothing of a job outlives it, nor an agent that is killed; without the sandbox, nothing that keeps its process group or its variables",
    source: SANDBOX,
  },
  {
    id: "broken-sandbox-fails-no-job",
    area: JOBS,
    text: "An agent whose sandbox does not work takes no jobs, and fails none",
    source: RELIABILITY,
  },
  {
    id: "reads-stay-in-workspace",
    area: JOBS,
    text: "A job that swaps its files while they are read has nothing read from outside of its workspace",
    source: SECURITY,
  },
  {
    id: "odd-trees-stop-nothing",
    area: JOBS,
    text: "A tree of deep directories, FIFOs and odd names keeps no logs from coming back, and no agent from starting",
    source: SECURITY,
  },
  {
    id: "storage-is-not-hidden",
    area: JOBS,
    text: "A job cannot hide what it stores in closed, unlinked or mapped files",
    source: SANDBOX,
  },
  {
    id: "job-starts-clean",
    area: JOBS,
    text: "A job inherits no open file, and its variables take effect within its limits",
    source: SANDBOX,
  },
  {
    id: "system-calls-are-filtered",
    area: JOBS,
    text: "A job makes no system call that programs do not need, and sees no file of the kernel that they do not need",
    source: SANDBOX,
  },
  {
    id: "dangerous-scripts-are-rejected",
    area: INTAKE,
    text: "The dangerous scripts of a collection are rejected, and its honest ones are not",
    source: "docs/validation.md",
  },
  {
    id: "agent-decides",
    area: INTAKE,
    text: "The agent checks a script before it runs, whatever the client has checked, and says where it is wrong",
    source: "docs/validation.md",
  },
  {
    id: "hostile-archives-are-refused",
    area: INTAKE,
    text: "Archives that would leave their directory, or expand without end, are refused and leave nothing",
    source: SECURITY,
  },
  {
    id: "uploads-are-limited",
    area: INTAKE,
    text: "Uploads have a size limit that names itself, and leave nothing when they break it",
    source: "docs/configuration.md",
  },
  {
    id: "requests-are-limited",
    area: INTAKE,
    text: "Requests and connections are limited for each address",
    source: SECURITY,
  },
  {
    id: "projects-run-no-code",
    area: INTAKE,
    text: "A project directory runs no code in the command line",
    source: SECURITY,
  },
  {
    id: "lying-server-writes-nothing",
    area: INTAKE,
    text: "A server that lies to a client writes nothing outside of the directory of a download",
    source: SECURITY,
  },
  {
    id: "job-has-no-network",
    area: NETWORK,
    text: "A job has the network only where its service has it",
    source: SANDBOX,
  },
  {
    id: "compose-agents-are-shut-off",
    area: NETWORK,
    text: "In compose agents have no port outside and no way out",
    source: PRODUCTION,
  },
  {
    id: "kubernetes-policies-shut-agents-off",
    area: NETWORK,
    text: "The NetworkPolicies for Kubernetes let the server alone reach agents, and agents reach nothing (read, not enforced)",
    source: "docs/kubernetes.md",
  },
  {
    id: "proxy-protects",
    area: NETWORK,
    text: "The proxy of compose encrypts, limits, and shows neither figures nor documentation",
    source: PRODUCTION,
  },
  {
    id: "other-origins-are-refused",
    area: NETWORK,
    text: "Web pages of other origins are refused unless they are named",
    source: "docs/configuration.md",
  },
  {
    id: "every-route-needs-a-token",
    area: ACCESS,
    text: "Every route of both daemons refuses calls without a token, but for health, load, figures and the agent's handshake",
    source: SECURITY,
  },
  {
    id: "tokens-can-be-replaced",
    area: ACCESS,
    text: "Tokens of clients and agents are replaced without a restart, and two are valid meanwhile",
    source: PRODUCTION,
  },
  {
    id: "tokens-are-not-shown",
    area: ACCESS,
    text: "No token is in a log, a report of an error, or a figure; none of an agent's container in its environment or arguments",
    source: SECURITY,
  },
  {
    id: "figures-bound-names",
    area: ACCESS,
    text: "Of what clients choose figures hold the names of users, of which at most 50 are kept apart, and no id or path of a request",
    source: "ARCHITECTURE.md",
  },
  {
    id: "stored-token-stays-with-its-server",
    area: ACCESS,
    text: "A stored token never goes to a server that it does not belong to",
    source: SECURITY,
  },
  {
    id: "agents-have-identities",
    area: ACCESS,
    text: "An agent's name belongs to its key, and an agent to one installation",
    source: SECURITY,
  },
  {
    id: "lying-agent-changes-nothing",
    area: ACCESS,
    text: "An agent that lies changes nothing of another agent's jobs",
    source: SECURITY,
  },
  {
    id: "containers-have-no-privileges",
    area: CONTAINERS,
    text: "No root, no capability, no new privileges, system calls filtered",
    source: PRODUCTION,
  },
  {
    id: "container-roots-are-read-only",
    area: CONTAINERS,
    text: "The root is read-only, what may be written to is small, or data",
    source: PRODUCTION,
  },
  {
    id: "containers-are-limited",
    area: CONTAINERS,
    text: "CPUs, memory and processes are limited",
    source: PRODUCTION,
  },
  {
    id: "kubernetes-objects-are-restricted",
    area: CONTAINERS,
    text: "The objects for Kubernetes fit restricted pod security",
    source: "docs/kubernetes.md",
  },
  {
    id: "accepted-is-durable",
    area: DURABILITY,
    text: "A job that has been acknowledged survives SIGKILL and a loss of power",
    source: RELIABILITY,
  },
  {
    id: "one-submit-one-job",
    area: DURABILITY,
    text: "One submit makes one job, however often it is repeated",
    source: RELIABILITY,
  },
  {
    id: "one-start-per-attempt",
    area: DURABILITY,
    text: "An attempt is started at most once, whichever daemon is killed; a job whose agent was lost runs again as its next attempt",
    source: RELIABILITY,
  },
  {
    id: "one-outcome-per-job",
    area: DURABILITY,
    text: "A job has one outcome, which is final, and a result of its last attempt only",
    source: RELIABILITY,
  },
  {
    id: "results-are-kept-until-stored",
    area: DURABILITY,
    text: "A result is kept on its agent until the server has stored it",
    source: RELIABILITY,
  },
  {
    id: "trouble-on-the-way-fails-no-job",
    area: DURABILITY,
    text: "A link that fails is no failure of the job",
    source: RELIABILITY,
  },
  {
    id: "machine-trouble-fails-no-job",
    area: DURABILITY,
    text: "Trouble of a machine fails no job: what cannot be sent, taken, started or kept is tried again",
    source: RELIABILITY,
  },
  {
    id: "one-server-writes",
    area: DURABILITY,
    text: "Two servers on one data directory never write at once; the second takes over when the first is dead",
    source: RELIABILITY,
  },
  {
    id: "full-disks-lose-nothing",
    area: DURABILITY,
    text: "A full disk or a locked database refuses new work and loses nothing",
    source: RELIABILITY,
  },
  {
    id: "database-keeps-its-files",
    area: DURABILITY,
    text: "A database is used with its own files only, and one that is taken away, replaced or overwritten takes no new work",
    source: RELIABILITY,
  },
  {
    id: "damage-is-noticed",
    area: DURABILITY,
    text: "No byte that has changed on disk is served or sent, and what has changed is reported",
    source: RELIABILITY,
  },
  {
    id: "backups-are-whole",
    area: DURABILITY,
    text: "A backup is whole or not there, and brings everything back",
    source: RELIABILITY,
  },
  {
    id: "upgrades-keep-jobs",
    area: DURABILITY,
    text: "An upgrade from the previous release, of server and agents in either order, loses no job and starts no attempt twice",
    source: RELIABILITY,
  },
  {
    id: "older-schemas-are-upgraded",
    area: DURABILITY,
    text: "A database of the first schema is brought up to date with its jobs; one of a later schema is refused and left alone",
    source: "ARCHITECTURE.md",
  },
  {
    id: "clocks-move-no-job",
    area: DURABILITY,
    text: "A clock that is set, forwards or back, or differs on an agent, moves no job",
    source: RELIABILITY,
  },
  {
    id: "alerts-can-fire",
    area: OPERATION,
    text: "Each alert fires in a case made for it, is quiet in another, and reads only series that the daemons export",
    source: "docs/runbook.md",
  },
  {
    id: "alerts-are-delivered",
    area: OPERATION,
    text: "An alert reaches operators as mail and at a webhook, with secrets that are in files",
    source: PRODUCTION,
  },
  {
    id: "waits-end",
    area: OPERATION,
    text: "A wait ends with the outcome of its jobs, or when its time is over",
    source: "README.md",
  },
  {
    id: "logs-can-be-followed",
    area: OPERATION,
    text: "Logs are JSON, and one search finds a job in those of both daemons",
    source: "ARCHITECTURE.md",
  },
  {
    id: "sigterm-cuts-nothing-off",
    area: OPERATION,
    text: "SIGTERM cuts nothing off: what has begun is answered, and jobs end in time or are given back",
    source: RELIABILITY,
  },
  {
    id: "containers-are-replaced-without-loss",
    area: OPERATION,
    text: "The server's container is recreated without losing a queued or running job",
    source: PRODUCTION,
  },
  {
    id: "settings-are-checked",
    area: OPERATION,
    text: "Every setting is checked before a start, all problems in one message",
    source: "docs/configuration.md",
  },
] as const satisfies readonly Promised[];

export type PromiseId = (typeof PROMISES)[number]["id"];
