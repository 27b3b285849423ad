import { fileURLToPath } from "node:url";

/** The directory of a job of `test/fixtures/jobs`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/jobs/${name}`, import.meta.url));
}
