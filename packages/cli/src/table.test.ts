import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { formatTable, type Column } from "./table.js";

const COLUMNS: readonly Column<{ name: string; age: number }>[] = [
  { key: "name", title: "NAME", human: ({ name }) => name },
  {
    key: "age",
    title: "AGE",
    human: ({ age }) => `${age}s`,
    plain: ({ age }) => String(age),
    alignRight: true,
  },
];

describe("a table", () => {
  const rows = [
    { name: "ü 名前", age: 5 },
    { name: "evil\u001b[31m\ttext", age: 123 },
  ];

  it("in a pipe is separated by tabs, whole, and without control characters of its content", async () => {
    assert.deepEqual(await formatTable(rows, COLUMNS, { interactive: false, header: true }), [
      "NAME\tAGE",
      "ü 名前\t5",
      "evil\\x1b[31m\\x09text\t123",
    ]);
    assert.deepEqual(await formatTable([], COLUMNS, { interactive: false, header: false }), []);
  });

  it("on a terminal is aligned, wide characters counted as two columns", async () => {
    const [first, second] = await formatTable(rows, COLUMNS, { interactive: true, header: false });
    assert.equal(first, `${"ü 名前".padEnd(18)}    5s`);
    assert.equal(second, "evil\\x1b[31m\\x09text  123s");
  });
});
