import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));

/** A user that exists nowhere, so that nothing else on the machine belongs to it. */
export const UNPRIVILEGED_ID = 64_242;

/**
 * Enters the control groups, then a mount namespace in which `$view/node` and `$view/project` are Node
 * and the repository, which may lie where the user cannot go; then becomes the user.
 */
const LAUNCH = `
  while [[ $1 != -- ]]; do echo $$ > "$1" || exit 125; shift; done
  view=$2 node=$3 project=$4 main=$5 id=$6
  mount --bind "$project" "$view/project" && mount --bind "$node" "$view/node" || exit 125
  exec setpriv --reuid "$id" --regid "$id" --clear-groups --inh-caps=-all "$view/node" "$view/project/$main"
`;

/**
 * A command for `DaemonProcess.start` that runs a daemon as an unprivileged user. The process keeps the
 * id of the one that was started.
 *
 * @param root a directory that the user can enter, for the view of the repository
 * @param entrances `cgroup.procs` files of control groups to enter first
 */
export function unprivilegedLaunch(
  root: string,
  entrances: readonly string[],
): (main: string) => readonly string[] {
  const view = join(root, "view");
  mkdirSync(join(view, "project"), { recursive: true });
  writeFileSync(join(view, "node"), "");
  return (main) => [
    ...["unshare", "--mount", "--propagation", "private"],
    ...["bash", "-c", LAUNCH, "launch", ...entrances, "--"],
    ...[view, process.execPath, REPOSITORY, relative(REPOSITORY, main), String(UNPRIVILEGED_ID)],
  ];
}
