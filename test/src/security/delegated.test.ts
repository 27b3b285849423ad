import { defineEscapes } from "../support/escapes.js";
import { delegatedPlace } from "../support/sandbox-places.js";
import { defineStartUpAttacks } from "./attacks/start-up.js";
import { defineAttacks } from "./define-attacks.js";

defineAttacks(delegatedPlace, [defineEscapes, defineStartUpAttacks]);
