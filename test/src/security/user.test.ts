import { defineEscapes } from "../support/escapes.js";
import { userPlace } from "../support/sandbox-places.js";
import { defineStartUpAttacks } from "./attacks/start-up.js";
import { defineAttacks } from "./define-attacks.js";

defineAttacks(userPlace, [defineEscapes, defineStartUpAttacks]);
