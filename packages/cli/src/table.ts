import type { ChalkInstance } from "chalk";

import { printable } from "./printable.js";

/** A column of a table: how a row looks in it, for people and for programs. */
export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  /** For a terminal: relative times, short words. */
  readonly human: (row: Row) => string;
  /** For a pipe: absolute and complete. Default: as for people. */
  readonly plain?: (row: Row) => string;
  readonly color?: (row: Row, chalk: ChalkInstance) => (text: string) => string;
  readonly alignRight?: boolean;
}

export interface TableOptions {
  readonly interactive: boolean;
  readonly header: boolean;
}

/**
 * Rows as text: aligned and coloured on a terminal, separated by tabs and nothing cut off in a pipe.
 * No control character of a cell is in it: the lines are for `Output.styled()`.
 */
export async function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions,
): Promise<string[]> {
  if (!options.interactive) return plainTable(rows, columns, options.header);
  const { default: chalk } = await import("chalk");
  const cells = rows.map((row) => columns.map((column) => printable(column.human(row))));
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...cells.map((line) => displayWidth(line[at] ?? ""))),
  );
  const pad = (text: string, at: number): string => {
    const blanks = " ".repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(text)));
    return columns[at]?.alignRight === true ? blanks + text : text + blanks;
  };
  const body = rows.map((row, index) =>
    columns
      .map((column, at) => {
        const text = pad(cells[index]?.[at] ?? "", at);
        return column.color === undefined ? text : column.color(row, chalk)(text);
      })
      .join("  ")
      .trimEnd(),
  );
  const header = columns
    .map((column, at) => pad(column.title, at))
    .join("  ")
    .trimEnd();
  return options.header ? [chalk.bold(header), ...body] : body;
}

function plainTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  header: boolean,
): string[] {
  const body = rows.map((row) =>
    columns.map((column) => printable((column.plain ?? column.human)(row))).join("\t"),
  );
  return header ? [columns.map((column) => column.title).join("\t"), ...body] : body;
}

/** Columns that a text takes: wide characters of East Asian scripts and emoji take two. */
function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) {
    if (/\p{Mark}/u.test(char)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return width;
}
