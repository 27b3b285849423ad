import {
  usageQuerySchema,
  usageReportSchema,
  type UsageReport,
  type UsageQuery,
} from "@jobctl/protocol";

import type { ApiApp } from "./api-app.js";

export function usageRoute(
  app: ApiApp,
  measure: (query: UsageQuery) => Promise<UsageReport>,
): void {
  app.get(
    "/v1/usage",
    {
      schema: {
        summary: "Who uses the server how much, and how long its disk will last",
        tags: ["admin"],
        querystring: usageQuerySchema,
        response: { 200: usageReportSchema },
      },
    },
    async (request) => measure(request.query),
  );
}
