import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { findKernelFiles } from "./kernel-files.js";

describe("the kernel's files in /proc", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobctl-proc-"));
  });
  after(() => rm(directory, { recursive: true }));

  it("are hidden from a job, unless programs need them", async () => {
    for (const name of ["1", "self-made", "sys", "acpi"]) await mkdir(join(directory, name));
    for (const name of ["kcore", "cpuinfo", "meminfo", "a-file-of-a-later-kernel"])
      await writeFile(join(directory, name), "");
    await symlink("1", join(directory, "thread-other"));
    assert.deepEqual(await findKernelFiles(directory), {
      files: ["/proc/a-file-of-a-later-kernel", "/proc/kcore"],
      directories: ["/proc/acpi", "/proc/self-made"],
    });
  });
});
