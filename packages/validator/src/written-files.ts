/** By its name, or by its first line. */
export function isShellScript(path: string, text: string): boolean {
  return (
    /\.(sh|bash|sbatch|slurm|pbs|job)$/.test(path) || /^#!\S*\/(env )?(ba|da|k|z)?sh\b/.test(text)
  );
}

/** The file that a download is put into. */
export function downloadedFile(name: string, args: readonly string[]): string | null {
  const at = args.findIndex((arg) =>
    (name === "curl" ? /^-\w*o$|^--output$/ : /^-\w*O$/).test(arg),
  );
  if ((name === "curl" || name === "wget") && at !== -1) return args[at + 1] ?? null;
  const address = args.find((arg) => /^(https?|ftp):\/\//.test(arg));
  if (address === undefined) return null;
  const takesName =
    name === "wget" || (name === "curl" && args.some((arg) => /^-\w*O|^--remote-name/.test(arg)));
  return takesName ? (address.split(/[?#]/)[0]?.split("/").at(-1) ?? null) : null;
}
