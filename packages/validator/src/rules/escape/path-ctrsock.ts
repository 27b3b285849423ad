import { ASK } from "../advice.js";
import { readable } from "../../characters.js";
import { CONTAINER_SOCKET } from "../../paths.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "PATH-CTRSOCK",
  family: "escape",
  severity: "error",
  why: "uses the socket of a container engine",
  fix: ASK,
  checkFile: ({ path, normal }, report) => {
    if (CONTAINER_SOCKET.test(normal)) report(`${readable(path)} controls the container engine`);
  },
  examples: { dangerous: [], honest: [] },
} as const satisfies Rule;
