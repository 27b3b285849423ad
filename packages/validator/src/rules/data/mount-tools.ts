/** Programs that change namespaces, roots or mounts whatever they are told. */
export const MOUNT_TOOLS = [
  ...["nsenter", "unshare", "chroot", "pivot_root", "umount", "switch_root", "systemd-nspawn"],
  ...["setns", "debugfs", "lxc-attach", "lxc-execute", "lxc-start", "bwrap", "kpartx", "bindfs"],
  ...[
    "schroot",
    "arch-chroot",
    "systemd-mount",
    "systemd-umount",
    "mount.nfs",
    "mount.cifs",
    "pmount",
  ],
  ...[
    "udisksctl",
    "guestmount",
    "guestfish",
    "virt-cat",
    "xfs_db",
    "e2image",
    "nsjail",
    "minijail0",
  ],
  ...[
    "lxc-unshare",
    "lxc-usernsexec",
    "docker-containerd-shim",
    "fusermount",
    "fusermount3",
    "jexec",
  ],
  ...["deepce", "amicontained", "botb", "kdigger", "peirates", "autofs", "automount", "exportfs"],
] as const;
