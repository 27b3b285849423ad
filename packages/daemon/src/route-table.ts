import type { FastifyInstance } from "fastify";

interface Route {
  readonly segments: readonly string[];
  readonly methods: Set<string>;
}

/** The routes of an application by path, to tell a wrong method from a wrong path. */
export class RouteTable {
  readonly #routes = new Map<string, Route>();

  constructor(app: FastifyInstance) {
    app.addHook("onRoute", ({ url, method }) => {
      const route = this.#routes.get(url) ?? { segments: url.split("/"), methods: new Set() };
      for (const name of [method].flat()) route.methods.add(name);
      this.#routes.set(url, route);
    });
  }

  /** Methods that a path has, sorted; none for a path that is not known. */
  methodsOf(url: string): string[] {
    const segments = (url.split("?", 1)[0] ?? "").split("/");
    const found = [...this.#routes.values()].filter((route) => matches(route.segments, segments));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].toSorted();
  }
}

function matches(template: readonly string[], segments: readonly string[]): boolean {
  if (template.at(-1) === "*") {
    return segments.length >= template.length && agree(template.slice(0, -1), segments);
  }
  return segments.length === template.length && agree(template, segments);
}

function agree(template: readonly string[], segments: readonly string[]): boolean {
  return template.every((part, at) => part === segments[at] || part.startsWith(":"));
}
