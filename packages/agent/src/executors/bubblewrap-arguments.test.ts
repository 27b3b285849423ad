import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { bubblewrapArguments, type SandboxView } from "./bubblewrap-arguments.js";

const VIEW: SandboxView = {
  workspace: "/data/attempts/1.1/workspace",
  hostname: "job-1-1",
  environment: { NAME: "value with blanks" },
  system: [
    { path: "/usr", linkTarget: null },
    { path: "/bin", linkTarget: "usr/bin" },
  ],
  tmpBytes: 1000,
  network: false,
  kernelFiles: { files: ["/proc/kcore"], directories: ["/proc/acpi"] },
  filterDescriptor: null,
};

describe("the arguments of bubblewrap", () => {
  const text = (change: Partial<SandboxView> = {}): string =>
    bubblewrapArguments({ ...VIEW, ...change }).join(" ");

  it("give a job the network only when it may have it", () => {
    assert.match(text(), /--unshare-net/);
    assert.doesNotMatch(text(), /resolv\.conf/);
    assert.doesNotMatch(text({ network: true }), /--unshare-net/);
    assert.match(text({ network: true }), /resolv\.conf/);
  });

  it("let it write to its workspace, /tmp and /dev/shm, and to nothing else", () => {
    const written = [...text().matchAll(/--(?:bind|tmpfs|dev-bind)(?: \S+)?? (\/\S+)(?= --)/g)];
    assert.deepEqual(
      written.map(([, path]) => path),
      ["/proc/acpi", "/dev/shm", "/tmp", "/job"],
    );
    assert.match(text(), /--tmpfs \/proc\/acpi --remount-ro \/proc\/acpi /);
    assert.match(text(), /--remount-ro \/dev --remount-ro \/ --chdir \/job/);
  });

  it("hide the kernel's files", () => {
    assert.match(text(), /--ro-bind \/dev\/null \/proc\/kcore/);
  });

  it("filter system calls where there is a filter", () => {
    assert.match(text({ filterDescriptor: 6 }), /--seccomp 6/);
    assert.doesNotMatch(text(), /--seccomp/);
  });

  it("show the system read-only, with its links", () => {
    assert.match(text(), /--ro-bind \/usr \/usr --symlink usr\/bin \/bin/);
  });

  it("take everything of the agent's environment away before they set the job's", () => {
    const all = bubblewrapArguments(VIEW);
    assert.deepEqual(all.slice(all.indexOf("--clearenv")), [
      "--clearenv",
      "--setenv",
      "NAME",
      "value with blanks",
    ]);
  });
});
