import { containerPlace } from "../support/sandbox-places.js";
import { defineAttacks } from "./define-attacks.js";

defineAttacks(containerPlace);
