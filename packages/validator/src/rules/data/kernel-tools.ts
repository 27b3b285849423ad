/** Programs that change the kernel, the network or a device whatever they are told. */
export const KERNEL_TOOLS = [
  ...["insmod", "rmmod", "setenforce", "ntpd", "rdate", "adjtimex", "bpftrace", "stap"],
  ...[
    "grub-install",
    "grub2-install",
    "update-grub",
    "grub-set-default",
    "update-initramfs",
    "dracut",
  ],
  ...["mkinitramfs", "mkinitcpio", "installkernel", "kernel-install", "dkms", "fwupdmgr", "wrmsr"],
  ...["aa-disable", "aa-teardown", "aa-complain", "aa-enforce", "apparmor_parser", "pfctl", "ipfw"],
  ...[
    "iptables-restore",
    "ip6tables-restore",
    "ebtables",
    "arptables",
    "dhclient",
    "dhcpcd",
    "wg-quick",
  ],
  ...["cgcreate", "cgset", "cgdelete", "cgclassify", "cgconfigparser", "cpufreq-set", "setserial"],
  ...[
    "swapoff",
    "zramctl",
    "kdumpctl",

    "macchanger",
    "ifup",
    "ifdown",
    "ifenslave",
    "vconfig",
  ],
  ...["setfont", "loadkeys", "tunctl", "openvpn", "ipvsadm", "tpm2_clear", "setpci", "i2cset"],
  ...[
    "kldload",
    "kldunload",
    "esxcli",
    "vim-cmd",
    "grub-mkconfig",
    "grub2-mkconfig",
    "grub-editenv",
  ],
] as const;

/** Programs that change something unless they are told one of these. */
export const READS: Readonly<Record<string, RegExp>> = {
  modprobe: /^(-[nDc]|--dry-run|--show\S*|--resolve-alias|--showconfig)$/,
  kmod: /^(list|static-nodes)$/,
  depmod: /^(-n|--dry-run|--show)$/,
  swapon: /^(-s|--summary|--show\S*)$/,
  hwclock: /^(-r|--show|--get|--verbose|-v)$/,
  nft: /^(list|-c|--check|describe)$/,
  ufw: /^(status|show|app)$/,
  brctl: /^(show\w*)$/,
  losetup: /^(-a|-l|-j|--all|--list|--associated)$/,
  bpftool: /^(show|list|dump|version|help|probe)$/,
  auditctl: /^(-l|-s)$/,
  semodule: /^(-l\w*|--list\S*)$/,
  efibootmgr: /^(-v|--verbose)$/,
  "tuned-adm": /^(active|list|recommend|verify|profile_info)$/,
  ntpdate: /^-\w{0,5}q/,
};

/** Programs that only read unless they are told one of these. */
export const CHANGES: Readonly<Record<string, RegExp>> = {
  iptables:
    /^(-\w{0,9}[AIDRFXNPZE]\w{0,9}|--(append|insert|delete|replace|flush|delete-chain|new-chain|policy|zero)\S*)$/,
  ip6tables:
    /^(-\w{0,9}[AIDRFXNPZE]\w{0,9}|--(append|insert|delete|replace|flush|delete-chain|new-chain|policy|zero)\S*)$/,
  "firewall-cmd":
    /^--(add|remove|set|reload|complete|panic-on|permanent|change|new|delete|direct)\S*$/,
  ipset: /^(create|add|del|destroy|flush|rename|swap|restore|-[NADXFEWR])$/,
  conntrack: /^(-[DFUI]|--(delete|flush|update|create))$/,
  tc: /^(add|del|delete|change|replace|link)$/,
  ethtool:
    /^(-[sKGACLXWEfprtU]|--(change|set|offload|coalesce|pause|config|flash|reset|test|identify)\S*)$/,
  iw: /^(set|connect|disconnect|add|del|join|leave)$/,
  iwconfig: /^(essid|mode|key|power|txpower|channel|freq)$/,
  nmcli:
    /^(up|down|add|modify|mod|delete|del|set|on|off|connect|disconnect|edit|clone|reload|import)$/,
  networkctl: /^(up|down|renew|reconfigure|reload|delete)$/,
  resolvectl: /^(dns|domain|flush-caches|revert|reset-\S+|default-route|llmnr|mdns)$/,
  arp: /^-(s|d|f|Ds)$/,
  "ovs-vsctl": /^(add|del|set|remove|clear|emer-reset)(-\S+)?$/,
  chronyc: /^(makestep|settime|manual|burst|add|delete|online|offline|reset)$/,
  timedatectl: /^set-\S+$/,
  hostnamectl: /^(set-\S+|hostname|deployment|location|chassis|icon-name)$/,
  localectl: /^set-\S+$/,
  domainname: /^\w/,
  hostname: /^([^-]|-[Fb]$|--(file|boot))/,
  cpupower: /^((frequency|idle)-set|set)$/,
  x86_energy_perf_policy: /^./,
  "rocm-smi": /^--(set|reset|gpureset|autorespond|load)\S*$/,
  "amd-smi": /^(set|reset)$/,
  "xpu-smi": /^(config|updatefw)$/,
  udevadm: /^(trigger|control)$/,
  "trace-cmd": /^(record|start|reset|set)$/,
  perf: /^probe$/,
  wg: /^(set|setconf|addconf|syncconf)$/,
  rfkill: /^(block|unblock|toggle)$/,
  "dpkg-reconfigure": /^\w/,
  "update-alternatives": /^--(set|install|remove|auto|config|force)\S*$/,
  tpm2: /^clear$/,
};
