import { after, before, describe } from "node:test";

import { rootPlace, userPlace, type PlacedCluster } from "../support/sandbox-places.js";
import { defineDescriptorAttacks } from "./attacks/descriptors.js";
import { defineEnvironmentAttacks } from "./attacks/environment.js";

const place = process.getuid?.() === 0 ? rootPlace : userPlace;

// It isolates nothing, but a job gets nothing by accident, and has its limits from the start.
describe("an agent that runs jobs as ordinary processes", () => {
  let placed: PlacedCluster;
  before(async () => {
    placed = await place.start({ agent: { JOBCTL_AGENT_SANDBOX: "process" } });
  });
  after(() => placed?.stop());

  defineDescriptorAttacks(() => placed);
  defineEnvironmentAttacks(() => placed);
});
