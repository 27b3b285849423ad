import { rootPlace } from "../support/sandbox-places.js";
import { defineStartUpAttacks } from "./attacks/start-up.js";
import { defineAttacks } from "./define-attacks.js";

defineAttacks(rootPlace, [defineStartUpAttacks]);
