import { defineEscapes } from "../support/escapes.js";
import { userPlace } from "../support/sandbox-places.js";
import { defineAttacks } from "./define-attacks.js";

defineAttacks(userPlace, [defineEscapes]);
