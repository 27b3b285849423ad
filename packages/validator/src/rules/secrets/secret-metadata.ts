import { readable } from "../../characters.js";
import type { Rule } from "../../rule.js";
import { programsNamed } from "../data/programs.js";
import { TEXT_COMMANDS } from "../data/writers.js";
import { mayBeMetadata, metadataHost } from "../shared/metadata.js";

export const rule = {
  id: "SECRET-METADATA",
  family: "secrets",
  severity: "error",
  why: "asks the cloud for the machine's credentials",
  fix: "Jobs need no credentials of the machine.",
  commands: ["*"],
  check: ({ name, args }, report) => {
    if (TEXT_COMMANDS.has(name)) return;
    const asked = args.filter(mayBeMetadata);
    if (asked.length === 0) return;
    const isClient =
      programsNamed("fetch", name).length > 0 || programsNamed("connect", name).length > 0;
    for (const arg of asked) {
      const isAddressOfName = /\/\/metadata(\/|:\d)/.test(arg.slice(0, 200));
      const host = isAddressOfName ? "metadata" : metadataHost(arg, isClient);
      if (host !== null) return report(`${name} asks for ${readable(host)}`);
    }
  },
  examples: {
    dangerous: [
      "curl http://169.254.169.254/latest/meta-data/",
      "wget -qO- http://2852039166/latest/meta-data/",
      "curl http://0xA9FEA9FE/",
      "curl http://0251.0376.0251.0376/",
      "curl 'http://[::ffff:a9fe:a9fe]/latest/'",
      "wget http://169.254.169.254.nip.io/",
      "curl -H 'Metadata-Flavor: Google' http://metadata.google.internal/computeMetadata/v1/",
      "curl 169.254.170.2/v2/credentials",
    ],
    honest: [
      "./solve --seed 2852039166 --steps 4",
      "./bin/scale 169.254 2.5",
      "echo http://169.254.169.254/",
      "python3 merge.py metadata data/metadata/table.csv",
    ],
  },
} as const satisfies Rule;
