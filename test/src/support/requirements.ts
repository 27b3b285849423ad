import { spawnSync } from "node:child_process";

/**
 * Why a suite cannot run on this machine; false when it can. Where nothing may be skipped
 * (`JOBCTL_TEST_REQUIRE=all`) it runs in any case, and fails by itself.
 */
export function unless(what: string, isThere: () => boolean): string | false {
  if (process.env["JOBCTL_TEST_REQUIRE"] === "all" || isThere()) return false;
  return `${what} is not available here`;
}

/** Whether bubblewrap is installed and may make namespaces. */
export function hasBubblewrap(): boolean {
  const args = ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"];
  return spawnSync("bwrap", args).status === 0;
}

/** Whether a Docker engine can be reached, with compose. */
export function hasDocker(): boolean {
  const commands = [["info"], ["compose", "version"]];
  return commands.every((args) => spawnSync("docker", args).status === 0);
}

/** Whether Prometheus and its tool are installed. */
export function hasPrometheus(): boolean {
  return ["prometheus", "promtool"].every((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Whether Alertmanager and its tool are installed, under Debian's names. */
export function hasAlertmanager(): boolean {
  const names = ["prometheus-alertmanager", "amtool"];
  return hasPrometheus() && names.every((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Whether kubectl is installed; no cluster is needed. */
export function hasKubectl(): boolean {
  return spawnSync("kubectl", ["version", "--client"]).status === 0;
}

/** The library that gives a process another time, where it is installed. */
export function fakeTimeLibrary(): string | null {
  const { status, stdout } = spawnSync("faketime", ["now", "printenv", "LD_PRELOAD"]);
  return status === 0 ? stdout.toString().trim() : null;
}

/** Whether systemd's tools are installed; it need not be running. */
export function hasSystemd(): boolean {
  return spawnSync("systemd-analyze", ["--version"]).status === 0;
}

/** Whether nginx and openssl are installed. */
export function hasNginx(): boolean {
  return spawnSync("nginx", ["-v"]).status === 0 && spawnSync("openssl", ["version"]).status === 0;
}
