import { JobctlError } from "@jobctl/protocol/error";

/** @throws JobctlError `usage` for what is not a job id */
export function parseJobId(text: string): number {
  const id = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(id)) return id;
  throw new JobctlError("usage", `${JSON.stringify(text)} is not a job id`, {
    hint: "Job ids are whole numbers, as jobctl submit prints them.",
  });
}

export function parseJobIds(texts: readonly string[]): number[] {
  return [
    ...new Set(
      texts
        .flatMap((text) => text.split(","))
        .filter((text) => text !== "")
        .map(parseJobId),
    ),
  ];
}
