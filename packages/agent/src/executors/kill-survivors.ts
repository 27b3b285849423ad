import { huntProcesses } from "./hunt-processes.js";
import { findProcesses, type ProcessScope } from "./job-processes.js";
import { terminate } from "./terminate.js";

/** How long a start of the agent waits for what an earlier one has left, which gets KILL meanwhile. */
const SURVIVORS_MS = 30_000;

/**
 * Kills what an agent that was killed has left running of an attempt.
 *
 * @throws when something survives
 */
export async function killSurvivors(attempt: Omit<ProcessScope, "group">): Promise<void> {
  const scope = { ...attempt, group: null };
  let problem: Error | null = null;
  let isOver = false;
  const find = async () => {
    const alive = isOver ? [] : await findProcesses(scope);
    return { alive, told: [] };
  };
  const onTrouble = (error: Error): void => {
    problem = error;
  };
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => {
      isOver = true;
      reject(problem ?? new Error(`processes of attempt ${attempt.attemptId} do not end`));
    };
    timer = setTimeout(giveUp, SURVIVORS_MS);
  });
  try {
    const hunt = (stop: boolean) =>
      isOver ? { found: [], isCertain: true } : huntProcesses(scope, stop);
    await Promise.race([terminate({ find, hunt, graceMs: 0, onTrouble }), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
