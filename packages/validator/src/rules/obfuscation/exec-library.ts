import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EXEC-LIBRARY",
  family: "obfuscation",
  severity: "error",
  why: "makes a program of the system load a library of its own",
  fix: "Call the library from a program of the job.",
  commands: [
    ...["openssl", "curl", "ssh-keygen", "ssh-add", "mysql", "mariadb", "sqlite3", "gawk", "awk"],
    ...["nginx", "node", "nodejs", "perl*", "ruby*", "ld.so", "ld-linux*", "ld-musl*", "gdb"],
    ...["wish", "tclsh*", "tshark", "ffmpeg", "bconsole", "gimp*"],
  ],
  check: ({ name, args }, report) => {
    for (const [at, arg] of args.entries()) {
      const library = libraryOf(name, arg, args[at + 1] ?? "");
      if (library !== null) report(`${name} loads ${readable(library)}`);
    }
  },
  examples: {
    dangerous: [
      "openssl req -engine ./helper.so",
      "ssh-keygen -D ./helper.so",
      "curl --engine /tmp/helper.so file:///x",
      "sqlite3 /dev/null '.load ./helper.so'",
      "gawk -l ./helper 'BEGIN {}'",
      "node -r ./hook.js app.js",
      "/lib64/ld-linux-x86-64.so.2 --preload ./helper.so /bin/ls",
      "tclsh <<< x; tclsh -c 'load ./helper.so x'",
    ],
    honest: [
      "openssl req -new -key k.pem -out r.csr",
      "ssh-keygen -t ed25519 -f key",
      "sqlite3 runs.db '.schema'",
      "node app.js -r x",
      "perl -MList::Util=sum -e 'print sum(1, 2)'",
      "gawk -v n=1 '{ print n }' f",
    ],
  },
} as const satisfies Rule;

/** A path, and not the name of a module that is installed. */
const FILE = /^(\.{0,2}\/|~|\uE002)|\.so(\.\d+)*$/;

/** The library that an option loads; null for all others. */
function libraryOf(name: string, arg: string, next: string): string | null {
  const [, option = "", joined] = /^((?:--?)?[A-Za-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
  const value = joined ?? next;
  const options = OPTIONS[name.replace(/^(ld)[-.].*$/, "$1").replace(/[\d.]{1,40}$/, "")];
  if (options?.test(option) === true && FILE.test(value)) return value;
  // Spelled out in a piece of code.
  const inCode = CODE[name.replace(/[\d.]{1,40}$/, "")]?.exec(arg)?.[1];
  return inCode !== undefined && FILE.test(inCode) ? inCode : null;
}

const OPTIONS: Readonly<Record<string, RegExp>> = {
  openssl: /^-?(engine|provider|provider-path)$/,
  curl: /^--engine$/,
  "ssh-keygen": /^-D$/,
  "ssh-add": /^-s$/,
  mysql: /^--(plugin-dir|default-auth)$/,
  mariadb: /^--(plugin-dir|default-auth)$/,
  gawk: /^(-l|--load)$/,
  awk: /^(-l|--load)$/,
  node: /^(-r|--require|--import|--loader|--experimental-loader)$/,
  nodejs: /^(-r|--require|--import|--loader|--experimental-loader)$/,
  ld: /^--preload$/,
  tshark: /^-X$/,
};

/** Commands of programs' own languages that load a library. */
const CODE: Readonly<Record<string, RegExp>> = {
  sqlite: /^\s*\.load\s+(\S+)/,
  nginx: /\bload_module\s+([^\s;]+)/,
  tclsh: /(?:^|[\s;])load\s+([^\s;]+)/,
  wish: /(?:^|[\s;])load\s+([^\s;]+)/,
  gdb: /\bCDLL\(\s*["']([^"']+)/,
  ruby: /\bdlopen\(?\s*["']([^"']+)/,
  perl: /\bdl_load_file\(\s*["']([^"']+)/,
};
