/** Bytes of a file that tell whether it is a script. */
export const SCRIPT_START_BYTES = 100;

/** Whether a file is a shell script: by its first line, or without one by its name. */
export function isShellScriptFile(file: string, content: Uint8Array): boolean {
  const start = Buffer.from(content.subarray(0, SCRIPT_START_BYTES)).toString("latin1");
  const [firstLine = ""] = start.split("\n", 1);
  if (firstLine.startsWith("#!")) return /\b(ba|da|k|z)?sh\b/.test(firstLine);
  return /\.(sh|bash)$/.test(file);
}
