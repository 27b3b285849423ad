import { deleteTarget, normalizePath, protectedPlace } from "./paths.js";
import { isCredential } from "./rules/shared/credentials.js";

/** Whether a value means something dangerous to one command or another. */
function isConspicuous(value: string): boolean {
  return (
    deleteTarget(value) !== null ||
    protectedPlace(value) !== null ||
    isCredential(normalizePath(value)) ||
    /:\/\/|^\/dev\/|[;&|$`]|\s/.test(value)
  );
}

/** Of many values those that are conspicuous, and of the others as many as there is room for. */
export function conspicuousFirst(values: readonly string[], most: number): string[] {
  const conspicuous = values.filter(isConspicuous);
  if (conspicuous.length >= most) return conspicuous;
  return [...conspicuous, ...values.filter((value) => !isConspicuous(value))].slice(0, most);
}
