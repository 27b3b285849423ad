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
  /** Where a terminal is too narrow for all columns this one goes into lines below the row. */
  readonly isDetail?: boolean;
}

export interface TableOptions {
  readonly interactive: boolean;
  readonly header: boolean;
  /** Columns of the terminal. Default: those of the one that stdout is. */
  readonly width?: number;
}

/**
 * Rows as text: aligned and coloured on a terminal, separated by tabs and nothing cut off in a pipe. Where a row
 * does not fit the terminal its details follow in lines of their own.
 * No control character of a cell is in it: the lines are for `Output.styled()`.
 */
export async function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions,
): Promise<string[]> {
  if (!options.interactive) return plainTable(rows, columns, options.header);
  const { default: chalk } = await import("chalk");
  const width = options.width ?? (process.stdout.columns || Number.POSITIVE_INFINITY);
  const isNarrow = widthOf(layOut(rows, columns)) > width;
  const inTable = isNarrow ? columns.filter(({ isDetail }) => isDetail !== true) : columns;
  const below = isNarrow ? columns.filter(({ isDetail }) => isDetail === true) : [];
  const { cells, widths } = layOut(rows, inTable);
  const pad = (text: string, at: number): string => {
    const blanks = " ".repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(text)));
    return inTable[at]?.alignRight === true ? blanks + text : text + blanks;
  };
  const body = rows.flatMap((row, index) => [
    inTable
      .map((column, at) => {
        const text = pad(cells[index]?.[at] ?? "", at);
        return column.color === undefined ? text : column.color(row, chalk)(text);
      })
      .join("  ")
      .trimEnd(),
    ...detailLines(row, below, width),
  ]);
  const header = inTable
    .map((column, at) => pad(column.title, at))
    .join("  ")
    .trimEnd();
  return options.header ? [chalk.bold(header), ...body] : body;
}

interface Layout {
  readonly cells: readonly (readonly string[])[];
  readonly widths: readonly number[];
}

function layOut<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Layout {
  const cells = rows.map((row) => columns.map((column) => printable(column.human(row))));
  const widths = columns.map((column, at) =>
    cells.reduce(
      (widest, line) => Math.max(widest, displayWidth(line[at] ?? "")),
      column.title.length,
    ),
  );
  return { cells, widths };
}

const widthOf = ({ widths }: Layout): number =>
  widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1));

/** `    title: value  title: value`, in as few lines as fit; nothing for what is `-`. */
function detailLines<Row>(row: Row, columns: readonly Column<Row>[], width: number): string[] {
  const indent = "    ";
  const lines: string[] = [];
  for (const column of columns) {
    const value = printable(column.human(row));
    if (value === "-") continue;
    const text = `${column.title.toLowerCase()}: ${value}`;
    const longer = `${lines.at(-1) ?? ""}  ${text}`;
    if (lines.length > 0 && displayWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(indent + text);
  }
  return lines;
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
