/** Files of the machine that hold passwords, keys, or what others do; by their whole path. */
export const SYSTEM_CREDENTIALS: readonly RegExp[] = [
  /^\/etc\/(shadow|gshadow|sudoers|master\.passwd|security\/opasswd|ldap\.secret)\b/,
  /^\/etc\/(munge|krb5\.keytab|kubernetes|ssl\/private|pki\/tls\/private|wireguard|openvpn)(\/|$)/,
  /^\/etc\/(slurm\/slurmdbd\.conf|ipsec\.secrets|ppp\/(chap|pap)-secrets|rclone\.conf)$/,
  /^\/etc\/(mysql\/debian\.cnf|NetworkManager\/system-connections|sssd\/sssd\.conf)(\/|$)/,
  /^\/etc\/ssh\/ssh_host_\w+key$/,
  /^(\/var)?\/run\/secrets(\/|$)/,
  /^\/var\/lib\/(sss\/(secrets|db)|kubelet\/(pki|pods)|NetworkManager\/secret_key)(\/|$)/,
  /^\/var\/(mail|spool\/(cron|at|mail))(\/|$)/,
  // The scripts of all jobs of a node; the job's own has its number in its path.
  /^\/var\/spool\/(slurm\w*|pbs|torque)\/[^/]*[*?[]/,
  /^\/(etc|var\/lib|run)\/jobctl\//,
];

/** Files of a user, below a home directory wherever it lies. */
export const USER_CREDENTIALS: readonly RegExp[] = [
  /(^|\/)\.ssh\/(id_\w+(?!\w|\.pub)|authorized_keys2?|identity|[^/]+\.(pem|key|ppk))$/,
  /(^|\/)\.(aws\/(credentials|sso\/.+)|kube\/config|docker\/config\.json|dockercfg)$/,
  /(^|\/)[._]netrc$/,
  /(^|\/)\.(pgpass|my\.cnf|mylogin\.cnf|git-credentials|vault-token|s3cfg|boto|pypirc)$/,
  /(^|\/)\.(config\/git\/credentials|gem\/credentials|cargo\/credentials(\.toml)?)$/,
  /(^|\/)\.(gnupg|azure|password-store|terraform\.d|oci)\/./,
  /(^|\/)\.config\/(gcloud(?!\/virtenv)|gh|hub|rclone|doctl|op|keepassxc)\/./,
  /(^|\/)\.local\/share\/keyrings(\/|$)/,
  /(^|\/)\.((bash|zsh|sh|ksh|python|mysql|psql|sqlite|node_repl|rediscli)_)?history$/,
  /(^|\/)\.local\/share\/fish\/fish_history$/,
  /(^|\/)\.(mozilla|thunderbird|config\/(google-chrome|chromium|BraveSoftware))\/./,
  /(^|\/)\.(bitcoin|ethereum|electrum|bitmonero)\/./,
  /(^|\/)wallet\.dat$/,
  /^\/(home\/[^/]+|root|)\/?\.(ssh|gnupg|aws|kube|docker|azure|password-store)\/?$/,
];

/** Files that hold credentials on many machines, for patterns to be tried on. */
export const PATTERN_TARGETS: readonly string[] = [
  "/etc/shadow",
  "/etc/gshadow",
  "/etc/sudoers",
  "/etc/munge/munge.key",
  "/etc/krb5.keytab",
  "/etc/ssh/ssh_host_rsa_key",
  "/root/.ssh/id_rsa",
  "/root/.ssh/id_ed25519",
  "/root/.bash_history",
  "/home/me/.ssh/id_rsa",
  "/home/me/.ssh/id_ed25519",
  "/home/me/.ssh/authorized_keys",
  "/home/me/.aws/credentials",
  "/home/me/.bash_history",
  "/home/me/.netrc",
  "/home/me/.kube/config",
  "/run/secrets/token",
];
