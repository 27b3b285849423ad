import { ASK } from "../advice.js";
import { CONTAINER_SOCKET, normalizePath } from "../../paths.js";
import { readable } from "../../characters.js";
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
  commands: ["*"],
  check: ({ name, args }, report) => {
    if (/^(echo|printf|:|\[|test)$/.test(name)) return;
    for (const arg of args) {
      if (!arg.includes("/run/") && !arg.includes(".sock")) continue;
      if (name === "find" && /^(docker|containerd|crio|podman)\.sock$/.test(arg))
        report("find searches for the container engine");
      // `UNIX-CONNECT:`, `unix://`, `--unix-socket=`, `-v/…:/…`
      const path = pathIn(arg);
      if (CONTAINER_SOCKET.test(normalizePath(path)))
        report(`${readable(path)} controls the container engine`);
    }
  },
  examples: {
    dangerous: [
      "curl --unix-socket /run/containerd/containerd.sock http://x/version",
      "ncat -U /var/run/docker.sock",
      "socat - UNIX-CONNECT:/run/user/1000/podman/podman.sock",
      "ls -l /run/crio/crio.sock",
    ],
    honest: [
      "ls /tmp/jupyter.sock",
      "echo /var/run/docker.sock",
      "./server --socket $TMPDIR/docker.socket",
    ],
  },
} as const satisfies Rule;

function pathIn(arg: string): string {
  const path = arg.slice(Math.max(arg.indexOf("/"), 0));
  // `unix:///path`: the slashes come one after the other.
  const end = path.indexOf(":/");
  return end === -1 ? path : path.slice(0, end);
}
