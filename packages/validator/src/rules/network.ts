import { readable } from "../characters.js";
import type { CommandRule, Found } from "./report.js";
import { hasOption, operands } from "./report.js";

const RAW = new Set([
  "nc",
  "ncat",
  "netcat",
  "nc.traditional",
  "nc.openbsd",
  "socat",
  "telnet",
  "cryptcat",
  "pwncat",
  "rlogin",
  "rsh",
  "ztcp",
]);
const FETCH = new Set([
  "curl",
  "wget",
  "wget2",
  "aria2c",
  "lwp-download",
  "lwp-request",
  "lwp-mirror",
  "snarf",
  "axel",
  "lynx",
  "links",
  "elinks",
  "w3m",
  "http",
  "https",
  "httpie",
  "ftp",
  "lftp",
  "tftp",
  "ncftp",
  "ncftpget",
  "youtube-dl",
  "yt-dlp",
  "fetch",
  "whois",
  "irssi",
  "weechat",
  "smbclient",
  "snmpwalk",
  "snmpget",
  "ldapsearch",
  "traceroute",
  "tracepath",
  "mtr",
  "globus-url-copy",
  "azcopy",
]);
const REMOTE = new Set([
  "ssh",
  "scp",
  "sftp",
  "mosh",
  "pssh",
  "pdsh",
  "clush",
  "sshpass",
  "autossh",
  "dbclient",
  "ssh-copy-id",
  "ssh-keyscan",
]);
const SCAN = new Set([
  "nmap",
  "masscan",
  "zmap",
  "rustscan",
  "hping3",
  "hping",
  "arp-scan",
  "fping",
  "nikto",
  "hydra",
  "medusa",
  "sqlmap",
  "gobuster",
  "ettercap",
  "tcpdump",
  "tshark",
  "dsniff",
  "arpspoof",
]);
const TUNNEL = new Set([
  "ngrok",
  "cloudflared",
  "chisel",
  "frpc",
  "frps",
  "bore",
  "localtunnel",
  "lt",
  "tor",
  "proxychains",
  "proxychains4",
  "openvpn",
  "wg",
  "wg-quick",
  "tailscale",
  "zerotier-cli",
  "iodine",
  "dnscat",
  "gost",
]);
const METADATA = /169\.254\.169\.254|metadata\.google\.internal|100\.100\.100\.200|fd00:ec2::254/;

export const networkRules: CommandRule = ({ name, args }, found) => {
  if (args.some((arg) => METADATA.test(arg)))
    found(
      "SECRET-METADATA",
      `${name} asks for ${readable(args.find((arg) => METADATA.test(arg)) ?? "")}`,
    );
  if (name === "zmodload" && /net\/(tcp|socket)/.test(args.join(" ")))
    found("NET-RAW", "zsh opens a raw connection");
  if (RAW.has(name)) found("NET-RAW", `${name} opens a raw connection`);
  if (name === "openssl" && ["s_client", "s_server"].includes(args[0] ?? ""))
    found("NET-RAW", `openssl ${args[0]} opens a raw connection`);
  if (SCAN.has(name)) found("NET-SCAN", `${name} looks into a network`);
  if (TUNNEL.has(name)) found("NET-TUNNEL", `${name} opens a tunnel`);
  if (FETCH.has(name)) checkFetch(name, args, found);
  if (REMOTE.has(name)) checkRemote(name, args, found);
  if (name === "rsync" && operands(args).some((arg) => /^[^/\s]+:/.test(arg)))
    found("NET-REMOTE", "rsync goes to another machine");
  if (
    ["mail", "mailx", "sendmail", "mutt", "swaks", "ssmtp", "msmtp"].includes(name) &&
    args.length > 0
  )
    found("NET-UPLOAD", `${name} sends mail`);
  if (
    ["rclone", "s3cmd", "gsutil", "aws", "az", "gcloud", "mc"].includes(name) &&
    /\b(cp|copy|sync|put|mv|move|upload|upload-batch)\b/.test(args.join(" "))
  ) {
    const last = operands(args).at(-1) ?? "";
    found(
      /^(s3|gs|gcs):\/\/|^[\w-]+:/.test(last) ? "NET-UPLOAD" : "NET-FETCH",
      `${name} transfers files`,
    );
  }
  if (name === "xterm" && args.some((arg) => /^-d(isplay)?$/.test(arg)))
    found("NET-RAW", "xterm opens a window on another machine");
  if (name === "parallel" && args.some((arg) => /^(-S|--sshlogin)/.test(arg)))
    found("NET-REMOTE", "parallel goes to other machines");
  checkNames(name, args, found);
  checkInstall(name, args, found);
  checkClient(name, args, found);
  if (isServer(name, args)) found("NET-LISTEN", `${name} waits for connections`);
};

/** A name that is put together while the script runs carries data to whoever answers for the domain. */
function checkNames(name: string, args: readonly string[], found: Found): void {
  if (!/^(dig|nslookup|host|drill|kdig|ping|ping6|getent|resolvectl|tracert|ping4)$/.test(name))
    return;
  if (name === "ping" && args.includes("-p"))
    return found("NET-UPLOAD", "ping sends data in its packets");
  const computed = args.some(
    (arg) => !/^-/.test(arg) && /[\uE000\uE004\uE006]/.test(arg) && /\.\w/.test(arg),
  );
  if (computed) return found("NET-UPLOAD", `${name} sends data in the name that it asks for`);
  if (name !== "getent" && operands(args).length > 0)
    found("NET-FETCH", `${name} asks the network`, "warning");
}

function checkInstall(name: string, args: readonly string[], found: Found): void {
  const words = operands(args);
  const [verb = "", ...what] =
    /^python[\d.]*$/.test(name) && args[0] === "-m" ? words.slice(1) : words;
  const tool = /^python[\d.]*$/.test(name) && args[0] === "-m" ? (args[1] ?? "") : name;
  const remote = /^([\w+]+:\/\/|git@|[\w-]+@[\w.-]+:)/;
  if (/^(git|hg|svn)$/.test(tool)) {
    if (verb === "push") found("NET-UPLOAD", `${tool} push sends data away`);
    else if (/^(clone|fetch|pull|checkout|co|export|ls-remote|submodule|update)$/.test(verb)) {
      const sourced = what.some((word) => remote.test(word) && !word.startsWith("file:"));
      if (sourced || (tool === "git" && /^(fetch|pull)$/.test(verb)))
        found("NET-INSTALL", `${tool} ${verb} fetches from the network`);
    }
    return;
  }
  const offline = args.some((arg) =>
    /^(--no-index|--offline|--no-deps|-e|--editable|--dry-run)$/.test(arg),
  );
  const local =
    what.length > 0 &&
    what.every((word) => /^\.{0,2}\//.test(word) || /^\.$|\.(whl|tar\.gz|zip)$/.test(word));
  const installs =
    (/^(pip[\d.]*|uv|conda|mamba|micromamba|npm|yarn|pnpm|gem|cargo|apt|apt-get|yum|dnf|zypper|apk|brew|pipx|poetry|spack|cpan|cpanm|luarocks|opam|snap|flatpak)$/.test(
      tool,
    ) &&
      /^(install|create|update|upgrade|add|sync|get|download)$/.test(verb)) ||
    (tool === "go" && /^(get|install|mod)$/.test(verb)) ||
    (/^(dpkg|rpm|pacman)$/.test(tool) &&
      args.some((arg) => /^(-i|-U|-ivh|-S\w*|--install)$/.test(arg)));
  if (installs && !offline && !local) found("NET-INSTALL", `${tool} installs packages`);
}

/** Clients of databases that are told of another machine. */
function checkClient(name: string, args: readonly string[], found: Found): void {
  if (!/^(mysql|mariadb|psql|redis-cli|mongo|mongosh)$/.test(name)) return;
  const at = args.findIndex((arg) => /^(-h|--host)/.test(arg));
  if (at === -1) return;
  const host = /=(.+)/.exec(args[at] ?? "")?.[1] ?? args[at + 1] ?? "";
  if (!/^(localhost|127\.|::1)/.test(host)) found("NET-REMOTE", `${name} goes to another machine`);
}

function checkFetch(name: string, args: readonly string[], found: Found): void {
  if (args.length > 0 && args.every((arg) => /^(-V|--version|-h|--help)$/.test(arg))) return;
  const uploads =
    (name === "curl" &&
      (hasOption(args, "TFd", "--upload-file") ||
        args.some((arg) => /^--(data|form|json|data-\w+)/.test(arg)))) ||
    (name.startsWith("wget") &&
      args.some((arg) => /^--(post-data|post-file|body-data|body-file)/.test(arg))) ||
    ((name === "http" || name === "https") && args.some((arg) => /^(POST|PUT)$/.test(arg)));
  if (uploads) found("NET-UPLOAD", `${name} sends data away`);
  found("NET-FETCH", `${name} fetches from the network`);
}

function checkRemote(name: string, args: readonly string[], found: Found): void {
  if (name === "ssh" && hasOption(args, "RDLw")) found("NET-TUNNEL", "ssh opens a tunnel");
  if (args.length > 0 && args.every((arg) => /^(-V|-Q.*|--version)$/.test(arg))) return;
  found("NET-REMOTE", `${name} goes to another machine`);
}

function isServer(name: string, args: readonly string[]): boolean {
  const text = args.join(" ");
  if (/^python[\d.]*$/.test(name))
    return /-m\s+(http\.server|SimpleHTTPServer|pyftpdlib|smtpd)/.test(text);
  if (name === "busybox") return /^(httpd|ftpd|telnetd|inetd|tcpsvd|udpsvd)$/.test(args[0] ?? "");
  if (name === "php") return hasOption(args, "S");
  if (name === "ruby") return /-run.*httpd/.test(text);
  return ["sshd", "dropbear", "vsftpd", "in.tftpd", "telnetd", "httpd", "inetd"].includes(name);
}
