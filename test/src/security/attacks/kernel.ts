import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";

import type { PlacedCluster } from "../../support/sandbox-places.js";
import { shows } from "../../support/shows.js";
import { waitUntil } from "../../support/wait-until.js";

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/**
 * System calls that jobs may not make: number on x86_64 and on aarch64, arguments, and the error. Most
 * would fail with another error when they were let through, as their arguments are wrong on purpose.
 */
const REFUSED: readonly [string, { x64: number; arm64: number }, readonly number[], number][] = [
  ["io_uring_setup", { x64: 425, arm64: 425 }, [1, 0], EPERM],
  ["userfaultfd", { x64: 323, arm64: 282 }, [1], EPERM],
  ["keyctl", { x64: 250, arm64: 219 }, [0, -3, 0], EPERM],
  ["add_key", { x64: 248, arm64: 217 }, [0, 0, 0, 0, -3], EPERM],
  ["request_key", { x64: 249, arm64: 218 }, [0, 0, 0, 0], EPERM],
  ["ptrace", { x64: 101, arm64: 117 }, [0, 0, 0, 0], EPERM],
  ["bpf", { x64: 321, arm64: 280 }, [99, 0, 0], EPERM],
  ["perf_event_open", { x64: 298, arm64: 241 }, [0, 0, 0, 0, 0], EPERM],
  ["unshare with CLONE_NEWUSER", { x64: 272, arm64: 97 }, [0x10000000], EPERM],
  ["clone with CLONE_NEWUSER", { x64: 56, arm64: 220 }, [0x10000011, 0, 0, 0, 0], EPERM],
  ["clone3", { x64: 435, arm64: 435 }, [0, 0], ENOSYS],
  ["mount", { x64: 165, arm64: 40 }, [0, 0, 0, 0, 0], EPERM],
  ["setns", { x64: 308, arm64: 268 }, [0, 0], EPERM],
  ["open_by_handle_at", { x64: 304, arm64: 265 }, [0, 0, 0], EPERM],
  ["kexec_load", { x64: 246, arm64: 104 }, [0, 0, 0, 0], EPERM],
  ["ioctl TIOCSTI", { x64: 16, arm64: 29 }, [0, 0x5412, 0], EPERM],
  ["ioctl TIOCLINUX", { x64: 16, arm64: 29 }, [0, 0x541c, 0], EPERM],
  ["personality READ_IMPLIES_EXEC", { x64: 135, arm64: 92 }, [0x0400000], EPERM],
  ["a socket of AF_VSOCK", { x64: 41, arm64: 198 }, [40, 1, 0], EAFNOSUPPORT],
  ["a socket of AF_ALG", { x64: 41, arm64: 198 }, [38, 5, 0], EAFNOSUPPORT],
  ["a socket of AF_PACKET", { x64: 41, arm64: 198 }, [17, 3, 0], EAFNOSUPPORT],
];

const ORDINARY = `
set -e
diff <(echo a | cat) <(echo a); echo bash
perl -e 'my $pid = fork // die; exit 3 if $pid == 0; wait; $? >> 8 == 3 or die; print "perl\\n"'
tar -cf - run.sh | tar -xOf - run.sh | cmp - run.sh; echo tar
awk 'BEGIN { "date" | getline now; print now == "" ? "" : "awk" }'
if [[ -x /usr/bin/python3 ]]; then
  /usr/bin/python3 - << 'END'
import socket, subprocess, threading
seen = []
threads = [threading.Thread(target=seen.append, args=(n,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
assert len(seen) == 8
from multiprocessing import Pool
if __name__ == "__main__":
    with Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
assert subprocess.check_output(["true"]) == b""
a, b = socket.socketpair()
a.send(b"x")
assert b.recv(1) == b"x"
END
fi
echo python
if command -v gcc > /dev/null; then
  echo 'int main(void) { return 0; }' > main.c && gcc -o main main.c && ./main
fi
echo gcc
`;

/** Files of /proc that tell of the machine's kernel, or act on it. */
const KERNEL_FILES =
  "kcore kallsyms kmsg keys key-users timer_list sched_debug slabinfo vmallocinfo pagetypeinfo kpagecount kpageflags kpagecgroup config.gz modules iomem ioports interrupts mdstat mtrr vmcore sysrq-trigger";
const KERNEL_DIRECTORIES = "acpi asound bus driver dynamic_debug fs irq scsi";

/** What of the kernel a job can reach. */
export function defineKernelAttacks(place: () => PlacedCluster): void {
  const output = async (script: string, ...args: string[]): Promise<string> => {
    const { cluster } = place();
    const id = await cluster.submitScript(script, "--time", "60s", ...args);
    await cluster.jobctl(["wait", String(id)]);
    const { stdout, stderr } = await cluster.jobctl(["logs", String(id)]);
    return stdout === "" ? stderr : stdout;
  };

  it("a job's system calls are filtered, and the agent says so", async (t) => {
    shows(t, "system-calls-are-filtered");
    assert.match(await output("grep Seccomp: /proc/self/status\n"), /^Seccomp:\s+2$/m);
    const { cluster } = place();
    const { items } = JSON.parse(await cluster.ok(["agents", "list", "--json"])) as {
      items: { capabilities: string[] }[];
    };
    assert.ok(items[0]?.capabilities.includes("seccomp"));
  });

  it("a job cannot make system calls that programs do not need", async (t) => {
    const architecture = process.arch === "arm64" ? "arm64" : "x64";
    const calls = REFUSED.map(
      ([name, numbers, args]) =>
        `$! = 0; my $r = syscall(${[numbers[architecture], ...args].join(", ")}); print "${name}: ", ($r == -1 ? $! + 0 : "done"), "\\n"; exit if $r == 0 && "${name}" =~ /^clone/;`,
    );
    const lines = await output(
      `perl - << 'END'\n$| = 1;\n${calls.map((call) => `{ ${call} }`).join("\n")}\nEND\n`,
    );
    assert.deepEqual(
      lines.trimEnd().split("\n"),
      REFUSED.map(([name, , , error]) => `${name}: ${error}`),
    );
    shows(t, "system-calls-are-filtered", {
      what: "system calls that are refused",
      times: REFUSED.length,
    });
  });

  it("ordinary programs work as ever", async () => {
    for (const service of ["default", "online"]) {
      const lines = await output(ORDINARY, "--service", service);
      assert.equal(lines, "bash\nperl\ntar\nawk\npython\ngcc\n", service);
    }
  });

  it("a job with the network has the usual sockets, but none of this machine's own", async (t) => {
    shows(t, "job-cannot-reach-agent");
    const { machinePid } = place();
    const name = `jobctl-canary-${process.pid}`;
    const listener = spawn("nsenter", [
      "--net",
      "--target",
      String(machinePid),
      "perl",
      "-e",
      LISTEN,
      name,
    ]);
    const exited = once(listener, "exit");
    try {
      let heard = "";
      listener.stdout.on("data", (chunk: Buffer) => (heard += chunk.toString()));
      await waitUntil("it listens", () => heard.includes("listening"));
      const connect = `perl - ${name} << 'END'\n${CONNECT}\nEND\n`;
      assert.equal(await output(connect, "--service", "online"), "tried\n");
      // Without the network the job has abstract names of its own.
      assert.match(await output(connect), /^pair\n/);
      assert.equal(heard, "listening\n");
    } finally {
      listener.kill("SIGKILL");
      await exited;
    }
  });

  it("a job sees nothing of the kernel in /proc but what programs need", async (t) => {
    shows(t, "system-calls-are-filtered");
    const script = `
for name in ${KERNEL_FILES}; do
  [[ $(head -c 1 "/proc/$name" 2> /dev/null | wc -c) == 0 ]] || echo "read $name"
  : 2> /dev/null > "/proc/$name" && [[ ! -c /proc/$name ]] && echo "wrote $name"
done
for name in ${KERNEL_DIRECTORIES}; do [[ -z $(ls "/proc/$name" 2> /dev/null) ]] || echo "listed $name"; done
for name in cpuinfo meminfo stat loadavg uptime mounts self/status sys/kernel/pid_max version filesystems; do
  [[ -s /proc/$name || -n $(head -c 1 "/proc/$name") ]] || echo "missing $name"
done
echo end
`;
    assert.equal(await output(script), "end\n");
  });
}

/** Waits on an abstract name for a connection and for a datagram, and tells of each. */
const LISTEN = `
  use Socket; $| = 1;
  my $address = pack_sockaddr_un("\\0$ARGV[0]");
  my $datagrams = pack_sockaddr_un("\\0$ARGV[0]-datagrams");
  socket(my $stream, AF_UNIX, SOCK_STREAM, 0) or die $!;
  bind($stream, $address) && listen($stream, 5) or die $!;
  socket(my $datagram, AF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($datagram, $datagrams) or die $!;
  print "listening\\n";
  while (1) {
    my $set = ""; vec($set, fileno($_), 1) = 1 for $stream, $datagram;
    select($set, undef, undef, undef);
    if (vec($set, fileno($stream), 1)) { accept(my $c, $stream); print "connection\\n"; }
    if (vec($set, fileno($datagram), 1)) { recv($datagram, my $text, 100, 0); print "datagram\\n"; }
  }
`;

/** Tries to reach these names: with a socket of its own, and by turning one of a pair round. */
const CONNECT = `
  use Socket; $| = 1;
  my $address = pack_sockaddr_un("\\0$ARGV[0]");
  my $datagrams = pack_sockaddr_un("\\0$ARGV[0]-datagrams");
  if (socket(my $s, AF_UNIX, SOCK_STREAM, 0)) { print "connected\\n" if connect($s, $address); }
  if (socket(my $s, AF_UNIX, SOCK_DGRAM, 0)) { print "sent\\n" if send($s, "x", 0, $datagrams); }
  if (socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0)) { print "pair\\n"; print "turned\\n" if connect($a, $datagrams) && send($a, "x", 0); }
  socketpair(my $c, my $d, AF_UNIX, SOCK_STREAM, 0) or print "no pair: $!\\n";
  socket(my $t, AF_INET, SOCK_STREAM, 0) or print "no internet: $!\\n";
  print "tried\\n";
`;
