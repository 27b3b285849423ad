import { BudgetExceeded } from "./budget.js";
import { ABSENT, BREAK, UNSET } from "./characters.js";
import { LIMITS } from "./limits.js";
import { unwrap } from "./unwrap.js";

/** Combinations of the values of a command's words that are tried one by one. */
const MAX_COMBINATIONS = 24;

/**
 * The argument lists that a command may have. A few values are combined in every way. Of more, each value of the
 * command's name is tried with each value of its arguments at least once: alone, or in one list with all others.
 *
 * @param values what each word may be, the command's name first
 * @throws BudgetExceeded
 */
export function variantsOf(values: readonly (readonly string[])[]): string[][] {
  if (values.every((all) => all.length === 1 && !all[0]?.includes(BREAK)))
    return [values.map(([value = ""]) => value)];
  const most = Math.max(1, ...values.map((all) => all.length));
  const [names = []] = values;
  if (names.length > LIMITS.values)
    throw new BudgetExceeded(`a command in it may be any of more than ${LIMITS.values}`);
  const rotated = Math.min(most, MAX_COMBINATIONS);
  const lists = Array.from({ length: rotated }, (_, at) =>
    listOf(values, (all) => all[at % all.length]),
  );
  if (values.filter(isChoice).length <= 1 && most <= MAX_COMBINATIONS) return lists;
  return withAll(values, lists, most);
}

/** Whether there is more to it than that a variable may not be set. */
function isChoice(all: readonly string[]): boolean {
  return all.length > 1 && !all.some((value) => value.includes(UNSET) || value.includes(ABSENT));
}

function withAll(
  values: readonly (readonly string[])[],
  lists: string[][],
  most: number,
): string[][] {
  const [names = [], ...rest] = values;
  const first = lists[0] ?? [];
  // What a wrapper runs is a name as well.
  const isWrapper = unwrap(first).length > 1;
  if (isWrapper && most > LIMITS.values)
    throw new BudgetExceeded(`a command in it may be any of more than ${LIMITS.values}`);
  if (isWrapper)
    for (let at = lists.length; at < most; at += 1)
      lists.push(listOf(values, (all) => all[at % all.length]));
  for (const name of names) {
    const args = rest.flatMap((all) => all.flatMap(fieldsOf));
    lists.push([...fieldsOf(name), ...args]);
  }
  return lists;
}

function listOf(
  values: readonly (readonly string[])[],
  choose: (all: readonly string[]) => string | undefined,
): string[] {
  return values.flatMap((all) => fieldsOf(choose(all) ?? ""));
}

/** An expansion that is empty leaves no word behind; an empty word in quotes does. */
function fieldsOf(value: string): string[] {
  const fields = value.split(BREAK);
  return fields.length === 1 ? fields : fields.filter((field) => field !== "");
}
