import { statSync } from "node:fs";

import { wallClock } from "@jobctl/daemon/clock";
import type { Agent, DamageList, Health, Output as JsonOutput, ServerInfo } from "@jobctl/protocol";
import { EXIT, JobctlError, toJobctlError } from "@jobctl/protocol/error";
import { VERSION, compatibility } from "@jobctl/protocol/version";

import { damageHint, describeDamage, describeUsers } from "../damage.js";
import { runCommand, type CommonFlags, type Context } from "../command.js";
import { formatTable, type Column } from "../table.js";

type Finding = Extract<JsonOutput, { schema: "jobctl.doctor/v1" }>["items"][number];

const MIN_NODE = [20, 20, 2] as const;
const MAX_SKEW_SECONDS = 5;

/** What to do about a check of the server's that is not about its disk. */
const HINTS: Readonly<Record<string, string>> = {
  blobs: "The lines about damage below say which.",
  poller: "The lines about the agents below say why.",
  breakers: "Calls to an agent keep failing: look at its log, then jobctl agents reset NAME.",
};

const STATUS_COLORS = { ok: "green", warning: "yellow", error: "red" } as const;

const COLUMNS: readonly Column<Finding>[] = [
  { key: "check", title: "CHECK", human: (item) => item.check },
  {
    key: "status",
    title: "STATUS",
    human: (item) => item.status,
    color: (item, chalk) => chalk[STATUS_COLORS[item.status]],
  },
  { key: "message", title: "MESSAGE", human: (item) => item.message },
  { key: "hint", title: "WHAT TO DO", human: (item) => item.hint ?? "-", isDetail: true },
];

/** Looks for what commonly stands in the way, and says what to do about it. */
export async function doctor(flags: CommonFlags): Promise<void> {
  await runCommand(flags, async (context) => {
    const items = [
      checkNode(),
      checkConfig(context),
      ...checkTokenFile(context),
      ...(await checkServer(context)),
    ];
    if (context.output.flags.json) {
      context.output.json({ schema: "jobctl.doctor/v1", items, nextCursor: null });
    } else {
      const options = { interactive: context.output.interactive, header: true };
      context.output.styled(await formatTable(items, COLUMNS, options));
    }
    return items.some(({ status }) => status === "error") ? EXIT.unexpected : EXIT.ok;
  });
}

function checkNode(): Finding {
  const parts = process.versions.node.split(".").map(Number);
  const at = MIN_NODE.findIndex((wanted, index) => parts[index] !== wanted);
  const old = at !== -1 && (parts[at] ?? 0) < (MIN_NODE[at] ?? 0);
  return {
    check: "node",
    status: old ? "error" : "ok",
    message: `Node.js ${process.versions.node}`,
    hint: old ? `Install Node.js ${MIN_NODE.join(".")} or later.` : null,
  };
}

function checkConfig({ config }: Context): Finding {
  const { server } = config.settings;
  if (config.token !== null) {
    return {
      check: "configuration",
      status: "ok",
      message: `${config.server} (from ${server.origin}), with a token`,
      hint: null,
    };
  }
  return {
    check: "configuration",
    status: "warning",
    message: `${config.server} (from ${server.origin}), without a token${config.tokenWithheld === null ? "" : `: ${config.tokenWithheld}`}`,
    hint: "Set JOBCTL_TOKEN_FILE, or start a server here with jobctl up.",
  };
}

/** Nothing where there is no such file, or no such permissions. */
function checkTokenFile({ config }: Context): Finding[] {
  const path = config.settings.tokenFile.value;
  if (path === null || process.platform === "win32") return [];
  const { mode } = statSync(path);
  const open = (mode & 0o077) !== 0;
  return [
    {
      check: "token file",
      status: open ? "warning" : "ok",
      message: `${path} has mode ${(mode & 0o777).toString(8).padStart(4, "0")}`,
      hint: open ? `Others can read or write it: chmod 0600 ${path}` : null,
    },
  ];
}

async function checkServer(context: Context): Promise<Finding[]> {
  const { client, signal } = context;
  let info: ServerInfo;
  const askedMs = wallClock();
  try {
    info = await client.json<ServerInfo>("/v1/info", { signal, retryForMs: 0 });
  } catch (thrown) {
    const error = toJobctlError(thrown);
    return [{ check: "server", status: "error", message: error.message, hint: error.hint }];
  }
  return [
    {
      check: "server",
      status: "ok",
      message: `${client.server} answers, services: ${info.services.join(", ")}`,
      hint: null,
    },
    checkVersion(info),
    checkClock(info, (askedMs + wallClock()) / 2),
    ...(await checkHealth(context)),
    ...(await checkDamage(context)),
    ...(await checkAgents(context)),
  ];
}

function checkVersion({ version }: ServerInfo): Finding {
  const side = compatibility(VERSION, version);
  const message = `command line ${VERSION}, server ${version}`;
  if (side === "ok") return { check: "version", status: "ok", message, hint: null };
  return {
    check: "version",
    status: "error",
    message,
    hint: side === "upgrade_client" ? "Upgrade the command line." : "Upgrade the server.",
  };
}

function checkClock({ now }: ServerInfo, hereMs: number): Finding {
  const skew = Math.abs(Date.parse(now) - hereMs) / 1000;
  const off = skew > MAX_SKEW_SECONDS;
  return {
    check: "clock",
    status: off ? "warning" : "ok",
    message: `${skew.toFixed(1)} s apart from the server's`,
    hint: off ? "Let NTP set both clocks; ages and times are wrong until then." : null,
  };
}

async function checkHealth({ client, signal }: Context): Promise<Finding[]> {
  // What is wrong is in the body, whatever the status.
  const health = await client.json<Health>("/health", { signal, alsoAccept: [503] });
  const checks = Object.entries(health.checks).map(([name, { ok, critical, message }]): Finding => {
    const status = ok ? "ok" : critical ? "error" : "warning";
    const hint = ok ? null : (HINTS[name] ?? "Look at the server's log and its data volume.");
    return { check: `server ${name}`, status, message: message ?? "works", hint };
  });
  const tasks = Object.entries(health.tasks).map(
    ([name, { ok, lastSuccessAt, problem }]): Finding => {
      const message = problem ?? `last ended well: ${lastSuccessAt ?? "not yet"}`;
      const hint = ok ? null : "grep task_failed in the server's log.";
      return { check: `task ${name}`, status: ok ? "ok" : "warning", message, hint };
    },
  );
  return [...checks, ...tasks];
}

/** Damaged blobs that have a line of their own. */
const MAX_DAMAGED = 20;

async function checkDamage(context: Context): Promise<Finding[]> {
  const items = await listDamage(context);
  return items.slice(0, MAX_DAMAGED).map((blob) => ({
    check: "damage",
    status: "error",
    message: `${describeUsers(blob.jobs)}: ${describeDamage(blob)} (found ${blob.foundAt})`,
    hint: damageHint(blob),
  }));
}

async function listDamage({ client, signal }: Context): Promise<DamageList["items"]> {
  try {
    return (await client.json<DamageList>("/v1/admin/damage", { signal })).items;
  } catch (error) {
    // A server of an earlier version keeps no such list.
    if (error instanceof JobctlError && error.code === "route_not_found") return [];
    throw error;
  }
}

async function checkAgents({ client, signal }: Context): Promise<Finding[]> {
  const { items } = await client.json<{ items: Agent[] }>("/v1/agents", { signal });
  if (items.length === 0) {
    return [
      {
        check: "agents",
        status: "error",
        message: "the server has no agent",
        hint: "Start one, and name it in the server's JOBCTL_AGENTS.",
      },
    ];
  }
  return items.map((agent): Finding => {
    const check = `agent ${agent.name ?? agent.url}`;
    const isDown = agent.state !== "ready" && agent.state !== "draining";
    if (isDown || agent.problemCode === "agent_unusable") {
      return {
        check,
        status: "error",
        message: `${agent.state}${problemOf(agent)}`,
        hint: agent.problemHint ?? hintFor(agent),
      };
    }
    if (agent.sandbox === "process") {
      return {
        check,
        status: "warning",
        message: `${agent.state}; jobs run without a sandbox`,
        hint: "Run only scripts that you would run yourself.",
      };
    }
    return { check, status: "ok", message: `${agent.state}, sandbox ${agent.sandbox}`, hint: null };
  });
}

function hintFor({ state, problem }: Agent): string {
  if (state === "connecting" && problem === null)
    return "The server has not called it yet. If it stays so, the lines about the server say why.";
  return "Check that it runs and that the server can reach it.";
}

/** The problem alone: what to do about it has a column of its own. */
function problemOf({ problem, problemHint }: Agent): string {
  if (problem === null) return "";
  const hint = problemHint == null ? "" : `. ${problemHint}`;
  return `: ${hint !== "" && problem.endsWith(hint) ? problem.slice(0, -hint.length) : problem}`;
}
