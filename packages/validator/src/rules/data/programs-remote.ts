import type { NetworkProgram } from "./network-program.js";

/** Programs that connect to a port, whatever answers there. */
export const CONNECT: readonly NetworkProgram[] = [
  { names: ["nc", "ncat", "netcat", "nc.traditional"], does: "opens a raw connection" },
  { names: ["nc.openbsd", "socat", "cryptcat", "pwncat", "sbd"], does: "opens a raw connection" },
  { names: ["pwncat-cs", "rustcat", "rcat", "powercat"], does: "opens a raw connection" },
  { names: ["telnet", "telnet-ssl", "ztcp"], does: "opens a raw connection" },
  { names: ["socket"], does: "opens a raw connection", argument: /^\d+$/, isCommonWord: true },
  { names: ["rlogin", "rsh", "rexec", "tcpclient"], does: "opens a raw connection" },
  { names: ["websocat", "wscat", "grpcurl"], does: "opens a raw connection" },
  { names: ["gs-netcat", "gsocket", "villain", "msfconsole"], does: "opens a way in for others" },
  { names: ["msfvenom", "sliver-client"], does: "opens a way in for others" },
  {
    names: ["openssl"],
    does: "opens a raw connection",
    verbs: ["s_client", "s_server", "s_time"],
  },
  { names: ["gnutls-cli", "ncat-ssl", "stunnel4"], does: "opens a raw connection" },
  { names: ["busybox", "toybox"], does: "opens a raw connection", verbs: ["nc", "telnet"] },
  { names: ["minicom", "cu"], does: "opens a raw connection", isCommonWord: true },
  {
    names: ["xterm", "xeyes", "xclock"],
    does: "opens a window on another machine",
    argument: /^-d(isplay)?$/,
  },
  { names: ["zmodload"], does: "lets zsh open connections", argument: /net\/(tcp|socket)/ },
  { names: ["cpan", "easy_install"], does: "runs code that is given", argument: /^! / },
];

/** Programs that log in elsewhere, or make the files of others one's own. */
export const REMOTE: readonly NetworkProgram[] = [
  { names: ["ssh", "sftp", "slogin", "mosh"], does: "goes to another machine" },
  { names: ["scp", "pscp"], does: "goes to another machine" },
  { names: ["plink", "psftp"], does: "goes to another machine" },
  { names: ["pssh", "pdsh", "pdcp", "clush", "dsh"], does: "goes to other machines" },
  { names: ["parallel-ssh", "parallel-scp", "cssh"], does: "goes to other machines" },
  { names: ["sshpass", "autossh", "dbclient"], does: "goes to another machine" },
  { names: ["ssh-copy-id", "ssh-keyscan", "tsh"], does: "goes to another machine" },
  { names: ["rcp", "rdist", "unison", "lsyncd"], does: "goes to another machine" },
  { names: ["rsync"], does: "goes to another machine", argument: /^(rsync:\/\/|[^/\s:]+::?)/ },
  { names: ["parallel"], does: "goes to other machines", options: ["-S", "--sshlogin"] },
  { names: ["parallel"], does: "goes to other machines", argument: /^--sshlogin/ },
  { names: ["ansible", "ansible-playbook", "salt-ssh"], does: "goes to other machines" },
  { names: ["fab", "knife", "pssh"], does: "goes to other machines", isCommonWord: true },
  { names: ["evil-winrm", "crackmapexec", "nxc", "psexec.py"], does: "goes to other machines" },
  { names: ["wmiexec.py", "smbexec.py", "secretsdump.py"], does: "goes to other machines" },
  { names: ["xfreerdp", "rdesktop", "vncviewer", "x2goclient"], does: "goes to another machine" },
  {
    names: ["sshfs", "davfs2", "mount.davfs", "s3fs"],
    does: "mounts the files of another machine",
  },
  { names: ["mount.nfs", "mount.nfs4", "mount.cifs"], does: "mounts the files of another machine" },
  { names: ["gcsfuse", "goofys", "blobfuse", "blobfuse2"], does: "mounts files of the network" },
  { names: ["mount-s3", "juicefs", "davfs"], does: "mounts files of the network" },
  { names: ["rclone", "restic"], verbs: ["mount"], does: "mounts files of the network" },
  { names: ["gio", "gvfs-mount"], verbs: ["mount"], does: "mounts files of the network" },
  {
    names: ["mysql", "mariadb", "mysqldump", "psql", "pg_dump", "redis-cli", "mongo", "mongosh"],
    does: "goes to another machine",
    options: ["-h", "--host"],
  },
  { names: ["gcloud"], verbs: ["compute ssh", "compute scp"], does: "goes to another machine" },
  { names: ["aws"], verbs: ["ssm start-session"], does: "goes to another machine" },
];

/** Programs that make a way for others, or past the network's rules. */
export const TUNNEL: readonly NetworkProgram[] = [
  { names: ["ngrok", "cloudflared", "localtunnel", "frpc"], does: "opens a tunnel" },
  { names: ["frps", "rathole", "inlets", "sshuttle", "zrok"], does: "opens a tunnel" },
  { names: ["tmate", "upterm", "teleconsole", "sshx", "ttyd"], does: "lets others use a terminal" },
  { names: ["gotty", "wetty", "shellinaboxd"], does: "lets others use a terminal" },
  { names: ["proxychains", "proxychains4", "tsocks"], does: "opens a tunnel" },
  { names: ["openvpn", "wg-quick", "tailscale", "tailscaled"], does: "opens a tunnel" },
  { names: ["zerotier-cli", "zerotier-one", "iodine", "iodined"], does: "opens a tunnel" },
  { names: ["dnscat", "dnscat2", "dns2tcpc", "ptunnel"], does: "opens a tunnel" },
  { names: ["stunnel", "redsocks", "ligolo-ng", "revsocks"], does: "opens a tunnel" },
  { names: ["v2ray", "xray", "ss-local", "sslocal"], does: "opens a tunnel", isCommonWord: true },
  { names: ["chisel", "bore", "lt", "tor"], does: "opens a tunnel", isCommonWord: true },
  { names: ["wg", "gost"], does: "opens a tunnel", argument: /:\/\/|^set/ },
  { names: ["obfs4proxy", "hans", "icmptunnel", "openconnect"], does: "opens a tunnel" },
  { names: ["vpnc", "pptp", "xl2tpd", "strongswan"], does: "opens a tunnel" },
  {
    names: ["code", "code-insiders", "codium", "cursor", "code-cli"],
    does: "lets others use the machine through an editor",
    verbs: ["tunnel", "serve-web"],
  },
  {
    names: ["code-server", "openvscode-server"],
    does: "lets others use the machine",
    severity: "warning",
  },
  { names: ["devtunnel"], verbs: ["host", "create"], does: "opens a tunnel" },
  { names: ["kubectl", "oc"], verbs: ["port-forward", "proxy"], does: "opens a tunnel" },
  { names: ["teamviewer", "anydesk", "rustdesk"], does: "lets others use the machine" },
  {
    names: ["x11vnc", "vncserver", "Xvnc", "tigervncserver"],
    does: "lets others use a screen",
    severity: "warning",
  },
];

/** Programs that wait for others to connect. */
export const LISTEN: readonly NetworkProgram[] = [
  {
    names: ["python*", "pypy*"],
    does: "waits for connections",
    argument:
      /^(-m)?(http\.server|SimpleHTTPServer|pyftpdlib|smtpd|uploadserver|CGIHTTPServer|twisted)$/,
  },
  { names: ["busybox", "toybox"], verbs: ["httpd", "ftpd", "telnetd", "inetd"], does: "waits" },
  { names: ["busybox", "toybox"], verbs: ["tcpsvd", "udpsvd"], does: "waits for connections" },
  { names: ["php*"], does: "waits for connections", options: ["-S"] },
  { names: ["ruby*"], does: "waits for connections", argument: /^-run|httpd/ },
  { names: ["sshd", "dropbear", "vsftpd", "in.tftpd", "telnetd"], does: "waits for connections" },
  { names: ["httpd", "inetd", "xinetd", "proftpd", "pure-ftpd"], does: "waits for connections" },
  { names: ["nginx", "apache2", "lighttpd", "caddy"], does: "waits for connections" },
  { names: ["apache2ctl", "apachectl", "darkhttpd", "thttpd"], does: "waits for connections" },
  { names: ["mini_httpd", "webfsd", "miniserve", "dufs"], does: "waits for connections" },
  { names: ["http-server", "updog", "simplehttpserver", "gohttpserver"], does: "offers files" },
  { names: ["twistd", "twistd3"], verbs: ["web", "ftp"], does: "waits for connections" },
  { names: ["npx", "bunx"], verbs: ["http-server", "serve", "localtunnel"], does: "offers files" },
  { names: ["tcpserver", "udpsvd", "tcpsvd", "systemd-socket-activate"], does: "waits" },
  { names: ["rclone", "restic"], verbs: ["serve"], does: "offers files" },
  { names: ["rsync"], does: "waits for connections", options: ["--daemon"] },
  { names: ["smbd", "nmbd", "rpc.nfsd"], does: "offers files" },
  { names: ["impacket-smbserver", "smbserver.py"], does: "offers files" },
  { names: ["dnsmasq", "dnschef"], does: "waits for connections", isCommonWord: true },
];

/** Programs that look at a network or try doors. */
export const SCAN: readonly NetworkProgram[] = [
  { names: ["nmap", "masscan", "zmap", "rustscan", "naabu"], does: "looks into a network" },
  { names: ["hping3", "hping", "hping2", "arp-scan", "arping"], does: "looks into a network" },
  { names: ["fping", "nbtscan", "netdiscover", "unicornscan"], does: "looks into a network" },
  { names: ["nikto", "sqlmap", "gobuster", "ffuf", "dirb"], does: "tries what a server lets in" },
  { names: ["wfuzz", "nuclei", "wpscan", "feroxbuster"], does: "tries what a server lets in" },
  { names: ["hydra", "medusa", "patator"], does: "tries passwords", isCommonWord: true },
  { names: ["ncrack", "kerbrute", "thc-hydra"], does: "tries passwords" },
  { names: ["hashcat", "john", "hashcat64"], does: "tries passwords", isCommonWord: true },
  { names: ["ettercap", "dsniff", "arpspoof", "bettercap"], does: "looks into a network" },
  {
    names: ["tcpdump", "dumpcap", "tcpflow", "ngrep"],
    does: "looks into a network",
    unless: ["-r"],
  },
  { names: ["tshark", "wireshark"], does: "looks into a network", unless: ["-r", "--read-file"] },
  { names: ["smbmap", "enum4linux", "bloodhound-python"], does: "looks into a network" },
  { names: ["dnsenum", "dnsrecon", "fierce", "amass"], does: "looks into a network" },
  { names: ["subfinder", "theharvester", "recon-ng"], does: "looks into a network" },
];
