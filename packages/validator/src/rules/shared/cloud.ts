import { operands } from "../report.js";

const COPIES =
  /^(cp|copy|sync|put|get|mv|move|upload|upload-[a-z]{1,20}|download|copyto|rsync|bisync|rcat|mirror|pipe)$/;
const REMOTE = /^((s3|gs|gcs|oss|cos|obs|az|b2|swift):\/\/|[\w-]{1,64}:(?!\\))/;

/** Which way a client of a cloud transfers files; null when it does something else. */
export function cloudCopy(args: readonly string[]): "sends" | "fetches" | null {
  const words = operands(args);
  const verb = words.find((word) => COPIES.test(word));
  if (verb === undefined) return null;
  const last = words.at(-1) ?? "";
  if (/^(put|upload|upload-[a-z]{1,20}|rcat|pipe)$/.test(verb)) return "sends";
  return REMOTE.test(last.slice(0, 200)) ? "sends" : "fetches";
}
