import { damageListSchema, type DamagedBlob } from "@jobctl/protocol";

import type { ApiApp } from "./api-app.js";

/** What is known to be damaged of what is stored. */
export function damageRoutes(app: ApiApp, damaged: () => DamagedBlob[]): void {
  app.get(
    "/v1/admin/damage",
    {
      schema: {
        summary: "Stored archives and results that are not what they were",
        tags: ["admin"],
        response: { 200: damageListSchema },
      },
    },
    async () => ({ schema: "jobctl.damage/v1" as const, items: damaged(), nextCursor: null }),
  );
}
