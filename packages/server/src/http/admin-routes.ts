import { closedSignal } from "@jobctl/daemon";
import {
  addAgentRequestSchema,
  agentAnswerSchema,
  breakerListSchema,
  drainRequestSchema,
  forgottenKeySchema,
  gcReportSchema,
  reconcileReportSchema,
  type AddAgentRequest,
  type Agent,
  type AgentAnswer,
  type Breaker,
  type GcReport,
  type ReconcileReport,
} from "@jobctl/protocol";
import type { FastifyReply } from "fastify";
import { z } from "zod";

import type { ApiApp } from "./api-app.js";

/** What operators do with agents and with what is stored. */
export interface Administration {
  breakers(): Breaker[];
  /** @throws JobctlError `agent_not_found` */
  resetBreaker(agent: string): void;
  resetBreakers(): void;
  /** @throws JobctlError `agent_unreachable` */
  addAgent(
    url: string,
    enrolment: AddAgentRequest["enrolment"],
  ): Promise<{ agent: Agent; created: boolean; enrolment?: AgentAnswer["enrolment"] }>;
  /** @throws JobctlError `agent_not_found` when the name is bound to no key */
  forgetKey(name: string): void;
  /** @throws JobctlError `agent_not_found`, `agent_not_removable` */
  removeAgent(nameOrUrl: string): Promise<Agent>;
  /** @throws JobctlError `agent_not_found` */
  drain(agent: string, deadlineSeconds: number | null): Agent;
  /** @throws JobctlError `agent_not_found` */
  resume(agent: string): Agent;
  /**
   * @param options `verify` reads every blob through first, until the signal is raised
   * @throws JobctlError `data_mismatch` when more is to be removed than can be garbage
   */
  collectGarbage(options: {
    readonly dryRun: boolean;
    readonly force: boolean;
    readonly verify: boolean;
    readonly signal: AbortSignal;
  }): Promise<GcReport>;
  reconcile(dryRun: boolean): Promise<ReconcileReport>;
}

const agentParams = z.object({ name: z.string() });
const dryRunQuery = z.object({ dryRun: z.stringbool().default(false) });
const gcQuery = dryRunQuery.extend({
  force: z.stringbool().default(false),
  verify: z.stringbool().default(false),
});

export function adminRoutes(app: ApiApp, administration: Administration): void {
  const breakers = () => ({
    schema: "jobctl.breakers/v1" as const,
    items: administration.breakers(),
    nextCursor: null,
  });
  const agent = (shown: Agent) => ({ schema: "jobctl.agent/v1" as const, ...shown });
  const tags = ["admin"];

  app.get(
    "/v1/circuit-breakers",
    {
      schema: {
        summary: "Circuit breakers of the agents",
        tags,
        response: { 200: breakerListSchema },
      },
    },
    async () => breakers(),
  );

  app.post(
    "/v1/circuit-breakers/reset-all",
    {
      schema: { summary: "Close all circuit breakers", tags, response: { 200: breakerListSchema } },
    },
    async () => {
      administration.resetBreakers();
      return breakers();
    },
  );

  app.post(
    "/v1/circuit-breakers/:name/reset",
    {
      schema: {
        summary: "Close the circuit breaker of an agent",
        tags,
        params: agentParams,
        response: { 200: breakerListSchema },
      },
    },
    async (request) => {
      administration.resetBreaker(request.params.name);
      return breakers();
    },
  );

  app.post(
    "/v1/agents",
    {
      schema: {
        summary: "Give jobs to one more agent, now and after a restart",
        tags,
        body: addAgentRequestSchema,
        response: { 200: agentAnswerSchema, 201: agentAnswerSchema },
      },
    },
    async (request, reply) => {
      const { url, enrolment } = request.body;
      const added = await administration.addAgent(url, enrolment);
      return reply
        .code(added.created ? 201 : 200)
        .send({ ...agent(added.agent), enrolment: added.enrolment });
    },
  );

  app.delete(
    "/v1/agents/:name",
    {
      schema: {
        summary: "Forget an agent that was added, by its name or its URL",
        tags,
        params: agentParams,
        response: { 200: agentAnswerSchema },
      },
    },
    async (request) => agent(await administration.removeAgent(request.params.name)),
  );

  app.post(
    "/v1/agents/:name/forget-key",
    {
      schema: {
        summary: "Forget the key that an agent's name is bound to: it has to be enrolled again",
        tags,
        params: agentParams,
        response: { 200: forgottenKeySchema },
      },
    },
    async (request) => {
      const { name } = request.params;
      administration.forgetKey(name);
      return { schema: "jobctl.agent-key/v1" as const, name, forgotten: true as const };
    },
  );

  app.post(
    "/v1/agents/:name/drain",
    {
      schema: {
        summary:
          "Give an agent no new work; after the deadline stop what it runs and queue it again",
        tags,
        params: agentParams,
        body: drainRequestSchema.nullable(),
        response: { 200: agentAnswerSchema },
      },
    },
    async (request) =>
      agent(administration.drain(request.params.name, request.body?.deadlineSeconds ?? null)),
  );

  app.post(
    "/v1/agents/:name/resume",
    {
      schema: {
        summary: "Give an agent work again",
        tags,
        params: agentParams,
        response: { 200: agentAnswerSchema },
      },
    },
    async (request) => agent(administration.resume(request.params.name)),
  );

  app.post(
    "/v1/admin/gc",
    {
      schema: {
        summary: "Remove blobs and temporary files that belong to no job",
        description: "With `verify` every blob is read through first, which takes its time.",
        tags,
        querystring: gcQuery,
        response: { 200: gcReportSchema },
      },
    },
    async (request, reply) =>
      administration.collectGarbage({
        ...request.query,
        signal: closedSignal(reply as FastifyReply),
      }),
  );

  app.post(
    "/v1/admin/reconcile",
    {
      schema: {
        summary: "Compare the jobs with what the agents hold",
        tags,
        querystring: dryRunQuery,
        response: { 200: reconcileReportSchema },
      },
    },
    async (request) => administration.reconcile(request.query.dryRun),
  );
}
