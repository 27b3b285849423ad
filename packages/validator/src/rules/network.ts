import { readable } from "../characters.js";
import type { CommandRule } from "./report.js";
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
]);
const FETCH = new Set([
  "curl",
  "wget",
  "wget2",
  "aria2c",
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
  if (RAW.has(name)) found("NET-RAW", `${name} opens a raw connection`);
  if (name === "openssl" && ["s_client", "s_server"].includes(args[0] ?? ""))
    found("NET-RAW", `openssl ${args[0]} opens a raw connection`);
  if (SCAN.has(name)) found("NET-SCAN", `${name} looks into a network`);
  if (TUNNEL.has(name)) found("NET-TUNNEL", `${name} opens a tunnel`);
  if (FETCH.has(name)) checkFetch(name, args, found);
  if (REMOTE.has(name)) checkRemote(name, args, found);
  if (
    name === "rsync" &&
    operands(args).some((arg) => /^(rsync:\/\/|[^/\s]+@?[^/\s]*::?)/.test(arg))
  )
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
  if (isServer(name, args)) found("NET-LISTEN", `${name} waits for connections`);
};

function checkFetch(
  name: string,
  args: readonly string[],
  found: Parameters<CommandRule>[1],
): void {
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

function checkRemote(
  name: string,
  args: readonly string[],
  found: Parameters<CommandRule>[1],
): void {
  if (name === "ssh" && hasOption(args, "RDLw")) found("NET-TUNNEL", "ssh opens a tunnel");
  if (args.length > 0 && args.every((arg) => /^(-V|-Q.*|--version)$/.test(arg))) return;
  found("NET-REMOTE", `${name} goes to another machine`);
}

function isServer(name: string, args: readonly string[]): boolean {
  const text = args.join(" ");
  if (/^python[\d.]*$/.test(name))
    return /-m\s+(http\.server|SimpleHTTPServer|pyftpdlib|smtpd)/.test(text);
  if (name === "php") return hasOption(args, "S");
  if (name === "ruby") return /-run.*httpd/.test(text);
  return ["sshd", "dropbear", "vsftpd", "in.tftpd", "telnetd"].includes(name);
}
