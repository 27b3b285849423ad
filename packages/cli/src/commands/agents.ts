import type { Agent, AgentAnswer, CachedLoad, Output } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";

import { runCommand, type CommonFlags } from "../command.js";
import { readSecret } from "../read-secret.js";
import { formatTable, type Column } from "../table.js";
import { formatBytes, formatCount, formatDuration, parseDuration } from "../units.js";

export interface AgentsListFlags extends CommonFlags {
  readonly header: boolean;
  readonly check?: boolean;
}

export interface AgentsLoadFlags extends CommonFlags {
  readonly header: boolean;
  readonly live?: boolean;
}

type AgentList = Extract<Output, { schema: "jobctl.agents/v1" }>;
type ForgottenKey = Extract<Output, { schema: "jobctl.agent-key/v1" }>;
type LoadList = Extract<Output, { schema: "jobctl.load/v1" }>;

const STATE_COLORS = {
  connecting: "yellow",
  ready: "green",
  draining: "yellow",
  unreachable: "red",
  lost: "red",
} as const;

const stateColumn = <Row extends { state: Agent["state"] }>(): Column<Row> => ({
  key: "state",
  title: "STATE",
  human: (row) => row.state,
  color: (row, chalk) => chalk[STATE_COLORS[row.state]],
});

const LIST_COLUMNS: readonly Column<Agent>[] = [
  { key: "name", title: "NAME", human: (agent) => agent.name ?? "-" },
  stateColumn(),
  {
    key: "slots",
    title: "SLOTS",
    human: (agent) => (agent.slots === null ? "-" : `${agent.running}/${agent.slots}`),
    alignRight: true,
  },
  { key: "cpus", title: "CPUS", human: (agent) => String(agent.cpus ?? "-"), alignRight: true },
  {
    key: "memory",
    title: "MEMORY",
    human: (agent) => (agent.memoryBytes === null ? "-" : formatBytes(agent.memoryBytes)),
    plain: (agent) => String(agent.memoryBytes ?? "-"),
    alignRight: true,
  },
  {
    key: "sandbox",
    title: "SANDBOX",
    human: (agent) => [agent.sandbox ?? "-", ...agent.capabilities].join(" "),
    isDetail: true,
  },
  { key: "services", title: "SERVICES", human: (agent) => agent.services.join(",") || "-" },
  {
    key: "breaker",
    title: "BREAKER",
    human: (agent) => agent.breaker,
    color: (agent, chalk) => (agent.breaker === "closed" ? chalk.green : chalk.red),
  },
  { key: "key", title: "KEY", human: (agent) => agent.key?.fingerprint ?? "-", isDetail: true },
  { key: "version", title: "VERSION", human: (agent) => agent.version ?? "-", isDetail: true },
  { key: "url", title: "URL", human: (agent) => agent.url, isDetail: true },
  { key: "problem", title: "PROBLEM", human: (agent) => agent.problem ?? "-", isDetail: true },
];

const LOAD_COLUMNS: readonly Column<CachedLoad>[] = [
  { key: "name", title: "NAME", human: (item) => item.name ?? item.url },
  stateColumn(),
  {
    key: "cpu",
    title: "CPU%",
    human: ({ load }) => (load?.cpuPercent == null ? "-" : load.cpuPercent.toFixed(1)),
    alignRight: true,
  },
  {
    key: "load1",
    title: "LOAD1",
    human: ({ load }) => load?.load1.toFixed(2) ?? "-",
    alignRight: true,
  },
  {
    key: "memory",
    title: "MEMORY",
    human: ({ load }) =>
      load === null
        ? "-"
        : `${formatBytes(load.memoryUsedBytes)} of ${formatBytes(load.memoryTotalBytes)}`,
    plain: ({ load }) => (load === null ? "-" : `${load.memoryUsedBytes}/${load.memoryTotalBytes}`),
    alignRight: true,
  },
  {
    key: "slots",
    title: "SLOTS",
    human: ({ load }) => (load === null ? "-" : `${load.slotsUsed}/${load.slotsTotal}`),
    alignRight: true,
  },
  {
    key: "sampled",
    title: "SAMPLED",
    human: (item) =>
      item.ageSeconds === null ? "never" : `${formatDuration(item.ageSeconds)} ago`,
    plain: ({ load }) => load?.sampledAt ?? "-",
    alignRight: true,
  },
  {
    key: "age",
    title: "AGE_SECONDS",
    human: (item) => (item.ageSeconds === null ? "-" : String(item.ageSeconds)),
    alignRight: true,
  },
  { key: "stale", title: "STALE", human: (item) => (item.stale ? "stale" : "fresh") },
];

export async function agentsList(flags: AgentsListFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const list = await client.json<AgentList>("/v1/agents", { signal });
    const down = list.items.filter(
      ({ state, problemCode }) =>
        (state !== "ready" && state !== "draining") || problemCode === "agent_unusable",
    );
    if (flags.check === true && (down.length > 0 || list.items.length === 0))
      throw agentsDown(down);
    if (output.flags.json) return output.json(list);
    const options = { interactive: output.interactive, header: flags.header };
    output.styled(await formatTable(list.items, LIST_COLUMNS, options));
  });
}

export async function agentsLoad(flags: AgentsLoadFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const query = flags.live === true ? { live: 1 } : {};
    const list = await client.json<LoadList>("/v1/agents/load", { query, signal });
    if (output.flags.json) return output.json(list);
    const columns = LOAD_COLUMNS.filter(
      ({ key }) => key !== (output.interactive ? "age" : "stale"),
    );
    const options = { interactive: output.interactive, header: flags.header };
    output.styled(await formatTable(list.items, columns, options));
  });
}

export interface AgentsAddFlags extends CommonFlags {
  readonly oneTime?: boolean;
  readonly secretFile?: string;
}

export async function agentsAdd(url: string, flags: AgentsAddFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const agent = await client.json<AgentAnswer>("/v1/agents", {
      method: "POST",
      json: { url, enrolment: await enrolmentOf(flags) },
      signal,
    });
    if (output.flags.json) return output.json(agent);
    if (agent.enrolment !== undefined) {
      output.line(agent.enrolment.secret);
      return output.note(
        `Put this secret into the JOBCTL_AGENT_TOKEN_FILE of the agent at ${agent.url} and start it.\nIt is not shown again, can be used once, and expires at ${agent.enrolment.expiresAt}.`,
      );
    }
    output.line(
      `${agent.name ?? agent.url} is ${agent.state}, ${formatCount(agent.slots ?? 0, "slot")}`,
    );
  });
}

export async function agentsRemove(agent: string, flags: CommonFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const path = `/v1/agents/${encodeURIComponent(agent)}`;
    const removed = await client.json<AgentAnswer>(path, { method: "DELETE", signal });
    if (output.flags.json) return output.json(removed);
    output.line(`${removed.name ?? removed.url} is removed`);
  });
}

/** @throws JobctlError `usage` */
async function enrolmentOf({ oneTime, secretFile }: AgentsAddFlags): Promise<object | undefined> {
  if (oneTime === true && secretFile !== undefined)
    throw new JobctlError("usage", "--one-time makes a secret, --secret-file takes one", {
      hint: "Use one of the two.",
    });
  if (oneTime === true) return { generate: true };
  return secretFile === undefined ? undefined : { secret: await readSecret(secretFile) };
}

export async function agentsForgetKey(name: string, flags: CommonFlags): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const path = `/v1/agents/${encodeURIComponent(name)}/forget-key`;
    const answer = await client.json<ForgottenKey>(path, { method: "POST", signal });
    if (output.flags.json) return output.json(answer);
    output.line(
      `the key of ${answer.name} is forgotten; an agent of this name can be enrolled again`,
    );
    output.note(
      "It enrols again if its JOBCTL_AGENT_TOKEN_FILE holds a valid secret; a used one-time secret does not count.",
    );
  });
}

export interface AgentsDrainFlags extends CommonFlags {
  readonly deadline?: string;
}

export interface AgentsResetFlags extends CommonFlags {
  readonly all?: boolean;
}

type BreakerList = Extract<Output, { schema: "jobctl.breakers/v1" }>;

export async function agentsDrain(name: string, flags: AgentsDrainFlags): Promise<void> {
  await change(`/v1/agents/${encodeURIComponent(name)}/drain`, flags, () => ({
    deadlineSeconds: flags.deadline === undefined ? null : parseDuration(flags.deadline),
  }));
}

export async function agentsResume(name: string, flags: CommonFlags): Promise<void> {
  await change(`/v1/agents/${encodeURIComponent(name)}/resume`, flags, () => ({}));
}

async function change(path: string, flags: CommonFlags, body: () => object): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    const json = body();
    const agent = await client.json<AgentAnswer>(path, { method: "POST", json, signal });
    if (output.flags.json) return output.json(agent);
    const until =
      agent.drain?.deadlineAt == null
        ? ""
        : `; at ${agent.drain.deadlineAt} what it still runs is stopped and queued again`;
    output.line(`${agent.name ?? agent.url} is ${agent.state}, ${agent.running} running${until}`);
  });
}

export async function agentsReset(
  name: string | undefined,
  flags: AgentsResetFlags,
): Promise<void> {
  await runCommand(flags, async ({ client, output, signal }) => {
    if ((name === undefined) !== (flags.all === true)) {
      throw new JobctlError("usage", "which agent?", {
        hint: "Name one, or say --all.",
      });
    }
    const which = name === undefined ? "reset-all" : `${encodeURIComponent(name)}/reset`;
    const list = await client.json<BreakerList>(`/v1/circuit-breakers/${which}`, {
      method: "POST",
      signal,
    });
    const items = list.items.filter(
      ({ agent, url }) => name === undefined || name === agent || name === url,
    );
    if (output.flags.json) return output.json({ ...list, items });
    for (const { agent, url, state } of items)
      output.line(`${agent ?? url}: calls are ${state === "open" ? "held back" : "let through"}`);
  });
}

function agentsDown(down: readonly Agent[]): JobctlError {
  const named = down.map(
    ({ name, url, state, problem }) =>
      `${name ?? url} is ${state}${problem === null ? "" : ` (${problem})`}`,
  );
  return new JobctlError(
    "agents_down",
    down.length === 0 ? "the server has no agent" : named.join("; "),
    {
      hint: "jobctl agents list shows all of them.",
      details: { agents: down.map(({ name, url }) => name ?? url) },
    },
  );
}
