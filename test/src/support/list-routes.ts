// Loaded into a daemon before its own code: writes each route that it serves to the file that ROUTES_FILE names.
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";

interface Route {
  readonly method: string | string[];
  readonly url: string;
}

interface Fastify {
  addHook(name: "onRoute", hook: (route: Route) => void): void;
}

subscribe("fastify.initialization", (message) => {
  (message as { fastify: Fastify }).fastify.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat())
      appendFileSync(process.env["ROUTES_FILE"] ?? "", `${one} ${url}\n`);
  });
});
