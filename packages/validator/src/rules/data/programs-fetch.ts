import type { NetworkProgram } from "./network-program.js";

const TO_OTHER_HOST = /^[\w.@-]+:(?!\\|\/\/localhost)/;
const ADDRESS = /^["']?(https?|ftps?|sftp|scp|smb|tftp|gopher|rsync|dict|dav|webdav|s3|gs):\/\//i;

const PAGE = /:\/\/|^-(dump|source)$|^[\w.-]{1,200}\.(org|com|net|io|edu|gov|de|eu|example)(\/|$)/;

/** Programs that get files from elsewhere. */
export const FETCH: readonly NetworkProgram[] = [
  { names: ["curl", "wget", "wget2", "aria2c", "axel", "snarf"], does: "fetches from the network" },
  { names: ["curlie", "xh", "xhs", "httpie", "wcurl"], does: "fetches from the network" },
  { names: ["lwp-download", "lwp-request", "lwp-mirror", "lwp-dump"], does: "fetches a page" },
  { names: ["GET", "HEAD"], does: "fetches a page", argument: /:\/\// },
  { names: ["http", "https", "fetch"], does: "fetches a page", isCommonWord: true },
  { names: ["lynx", "elinks", "w3m", "links2"], does: "fetches a page" },
  { names: ["links"], does: "fetches a page", argument: PAGE, isCommonWord: true },
  { names: ["ab", "wrk", "siege"], does: "sends requests to a server", argument: /:\/\// },
  { names: ["ftp", "lftp", "tftp", "ncftp", "ncftpget"], does: "fetches from a server" },
  { names: ["atftp", "tnftp", "lftpget", "curlftpfs"], does: "fetches from a server" },
  { names: ["smbclient", "smbget", "smbmap"], does: "goes to the files of another machine" },
  { names: ["finger"], does: "asks another machine", argument: /@/, isCommonWord: true },
  { names: ["whois"], does: "asks a server of the network" },
  { names: ["irssi", "weechat", "bitchx"], does: "talks to others" },
  { names: ["snmpwalk", "snmpget", "snmpset", "snmpbulkwalk"], does: "asks another machine" },
  { names: ["ldapsearch", "rpcclient", "rpcinfo", "showmount"], does: "asks another machine" },
  { names: ["traceroute", "tracepath", "mtr", "tcptraceroute"], does: "asks the network" },
  { names: ["youtube-dl", "yt-dlp", "gallery-dl"], does: "fetches from the network" },
  { names: ["gdown", "megadl", "megaget", "mega-get"], does: "fetches from the network" },
  { names: ["transmission-cli", "rtorrent", "ctorrent"], does: "fetches from others" },
  { names: ["globus-url-copy", "uberftp", "azcopy"], does: "transfers files" },
  { names: ["gfal-copy", "xrdcp", "davix-get", "lcg-cp", "arccp"], does: "transfers files" },
  { names: ["bbcp", "ascp", "uftp"], does: "transfers files" },
  { names: ["iget", "isync"], does: "fetches from a server", argument: /\//, isCommonWord: true },
  {
    names: ["prefetch", "fasterq-dump", "fastq-dump"],
    does: "fetches from an archive",
    argument: /^[SED]RR\d+$/,
  },
  {
    names: ["vim", "vi", "nvim", "view", "vimdiff", "emacs", "nano", "ffmpeg"],
    does: "opens an address",
    argument: /^\+?[:\w ]{0,12}(https?|ftps?|scp|sftp|dav|rsync):\/\//,
  },
  { names: ["emacs"], does: "opens an address", argument: /\burl-(copy-file|retrieve|insert)/ },
  { names: ["jjs", "jrunscript"], does: "fetches from the network", argument: /https?:\/\// },
  { names: ["xdg-open", "open", "sensible-browser"], does: "opens an address", argument: ADDRESS },
  {
    names: ["tar", "cpio", "rmt"],
    does: "goes to another machine",
    argument: TO_OTHER_HOST,
    unless: ["--force-local"],
  },
  { names: ["huggingface-cli", "hf"], verbs: ["download"], does: "fetches a model" },
  {
    names: ["kaggle"],
    verbs: ["datasets download", "competitions download"],
    does: "fetches data",
  },
  { names: ["dvc"], verbs: ["pull", "fetch", "get", "import-url"], does: "fetches data" },
  { names: ["datalad"], verbs: ["get", "clone", "install"], does: "fetches data" },
  { names: ["skopeo", "oras", "crane"], verbs: ["copy", "pull"], does: "fetches an image" },
  { names: ["datasets"], verbs: ["download"], does: "fetches from an archive" },
];

/** Clients of clouds whose verbs say in which direction: the last operand is where it goes. */
export const CLOUD_COPIES: ReadonlySet<string> = new Set([
  ...["rclone", "s3cmd", "s5cmd", "s4cmd", "gsutil", "aws", "az", "gcloud", "mc", "swift", "b2"],
  ...["ossutil", "coscmd", "obsutil", "linode-cli", "doctl", "ibmcloud", "oci"],
]);

/** Programs that ask the domain name system, or echo, for a name. */
export const NAME_CLIENTS: readonly string[] = [
  ...["dig", "nslookup", "host", "drill", "kdig", "delv", "doggo", "adig", "ahost"],
  ...["ping", "ping4", "ping6", "getent", "resolvectl", "systemd-resolve", "tracert", "nping"],
];
