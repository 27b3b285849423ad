/**
 * Files that a program runs, or takes its orders from, when it is started the next time: by a shell, at a login, by an
 * editor or an interpreter. Paths are given from the home directory.
 */
const EXACT = new Set([
  ...[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".bash_functions",
  ],
  ...[".profile", ".zshrc", ".zprofile", ".zshenv", ".zlogin", ".zlogout", ".kshrc", ".mkshrc"],
  ...[".cshrc", ".tcshrc", ".login", ".logout", ".shrc", ".shinit", ".inputrc"],
  ...[".xinitrc", ".xserverrc", ".xsession", ".xsessionrc", ".xprofile", ".Xsession", ".Xclients"],
  ...[".pam_environment", ".forward", ".procmailrc", ".mailcap", ".lessfilter"],
  ...[
    ".ssh/rc",
    ".ssh/authorized_keys",
    ".ssh/authorized_keys2",
    ".ssh/config",
    ".ssh/environment",
  ],
  ...[
    ".vimrc",
    ".gvimrc",
    ".exrc",
    ".nanorc",
    ".emacs",
    ".emacs.el",
    ".emacs.d/init.el",
    ".spacemacs",
  ],
  ...[".gdbinit", ".lldbinit", ".screenrc", ".tmux.conf", ".gitconfig", ".gitattributes", ".hgrc"],
  ...[".pythonrc", ".pythonrc.py", ".pythonstartup", ".pdbrc", ".Rprofile", ".irbrc", ".pryrc"],
  ...[".octaverc", ".perldb", ".sqliterc", ".psqlrc", ".ackrc"],
  ...[".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".pip/pip.conf", ".bunfig.toml", ".bazelrc"],
  ...[".curlrc", ".wgetrc", ".rpmmacros", ".makerc", ".envrc", ".direnvrc", ".asdfrc", ".rvmrc"],
  ...[".crontab", ".config/crontab", ".config/mimeapps.list", ".config/user-dirs.dirs"],
  ...[".config/git/config", ".config/git/attributes", ".config/pip/pip.conf", ".cargo/config.toml"],
  ...[".config/nvim/init.vim", ".config/nvim/init.lua", ".config/starship.toml", ".cargo/config"],
  ...[".config/direnv/direnvrc", ".config/tmux/tmux.conf", ".config/procps/toprc"],
  ...[".matlab/startup.m", ".julia/config/startup.jl", ".m2/settings.xml"],
  ...[".gradle/init.gradle", ".ansible.cfg"],
  ...[".config/khotkeysrc", ".config/kglobalshortcutsrc"],
]);

/** Directories of such files. */
const BELOW = [
  ...[".config/autostart/", ".config/systemd/", ".local/share/systemd/", ".config/environment.d/"],
  ...[".config/autostart-scripts/", ".config/plasma-workspace/", ".config/upstart/", ".init/"],
  ...[".config/fish/", ".config/zsh/", ".config/bash/", ".config/nushell/", ".config/elvish/"],
  ...[".config/xonsh/", ".config/powershell/", ".bashrc.d/", ".bash_profile.d/", ".profile.d/"],
  ...[".zshrc.d/", ".oh-my-zsh/", ".bash_it/", ".bash_completion.d/", ".kde/Autostart/"],
  ...[".config/openbox/", ".config/i3/", ".config/sway/", ".config/hypr/", ".config/awesome/"],
  ...[".config/containers/systemd/", ".config/rc/", ".config/runit/"],
  ...[".vim/plugin/", ".vim/autoload/", ".vim/after/", ".vim/ftplugin/", ".config/nvim/plugin/"],
  ...[".emacs.d/lisp/", ".ipython/profile_default/startup/", ".gradle/init.d/", ".git-templates/"],
  ...[
    ".local/share/bash-completion/",
    ".local/share/dbus-1/services/",
    ".local/share/applications/",
  ],
  ...[".local/share/nautilus/scripts/", ".local/share/kservices5/", ".gnome/Autostart/"],
  ...["Library/LaunchAgents/", ".config/git/hooks/", ".githooks/", ".config/direnv/lib/"],
];

/** Programs of the system that a file of their name in `~/bin` would stand in for. */
const SHADOWED =
  /^(\.local\/)?s?bin\/(ls|cat|cd|ps|id|su|sudo|ssh|scp|sftp|top|w|who|whoami|env|bash|sh|login|passwd|kubectl|docker|squeue|sbatch|srun|scancel|qsub|crontab|systemctl)$/;

/** Whether a path below a home directory is such a file. */
export function isStartupFile(path: string): boolean {
  return (
    EXACT.has(path) ||
    // The directory itself may be made or filled as well.
    BELOW.some((directory) => `${path}/`.startsWith(directory)) ||
    SHADOWED.test(path) ||
    /^\.local\/lib\/python[^/]*\/site-packages\/[^/]+\.pth$/.test(path) ||
    /^(\.mozilla|\.config\/(google-chrome|chromium))\/.*\/(user\.js|extensions?\/)/.test(path)
  );
}
