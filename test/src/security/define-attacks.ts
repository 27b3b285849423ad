import { after, before, describe } from "node:test";

import type { PlacedCluster, SandboxPlace } from "../support/sandbox-places.js";
import { defineDescriptorAttacks } from "./attacks/descriptors.js";
import { defineEnvironmentAttacks } from "./attacks/environment.js";
import { defineKernelAttacks } from "./attacks/kernel.js";
import { definePlaceAttacks } from "./attacks/place.js";
import { defineWorkspaceAttacks } from "./attacks/workspace.js";

/** Defines the tests of one topic. */
export type DefineAttacks = (place: () => PlacedCluster) => void;

/** Tried in every place, each of which shares one cluster: some take minutes to set up. */
const EVERYWHERE: readonly DefineAttacks[] = [
  definePlaceAttacks,
  defineWorkspaceAttacks,
  defineDescriptorAttacks,
  defineEnvironmentAttacks,
  defineKernelAttacks,
];

/** @param more topics for this place only: elsewhere another suite has them */
export function defineAttacks(place: SandboxPlace, more: readonly DefineAttacks[] = []): void {
  describe(place.name, { skip: place.skip }, () => {
    let placed: PlacedCluster;
    before(async () => {
      placed = await place.start();
    });
    after(() => placed?.stop());

    for (const define of [...EVERYWHERE, ...more]) define(() => placed);
  });
}
