import { defineEscapes } from "../support/escapes.js";
import { delegatedPlace } from "../support/sandbox-places.js";
import { defineAttacks } from "./define-attacks.js";

defineAttacks(delegatedPlace, [defineEscapes]);
