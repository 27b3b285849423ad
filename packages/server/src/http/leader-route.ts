import { leaderSchema, type Leader } from "@jobctl/protocol";

import type { ApiApp } from "./api-app.js";

export function leaderRoute(app: ApiApp, leader: () => Leader): void {
  app.get(
    "/v1/admin/leader",
    {
      schema: {
        summary: "Which server is active on the data directory",
        tags: ["admin"],
        response: { 200: leaderSchema },
      },
    },
    async () => leader(),
  );
}
