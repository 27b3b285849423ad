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

  it("on a terminal that is too narrow has its details in lines below", async () => {
    const columns = [
      ...COLUMNS,
      { key: "url", title: "URL", human: () => "http://x", isDetail: true },
      {
        key: "key",
        title: "KEY",
        human: ({ age }: { age: number }) => (age > 9 ? "a".repeat(9) : "-"),
        isDetail: true,
      },
    ];
    const options = { interactive: true, header: false };
    const people = [
      { name: "one", age: 5 },
      { name: "two", age: 10 },
    ];
    assert.deepEqual(await formatTable(people, columns, { ...options, width: 20 }), [
      "one    5s",
      "    url: http://x",
      "two   10s",
      "    url: http://x",
      "    key: aaaaaaaaa",
    ]);
    assert.deepEqual(await formatTable(people.slice(1), columns, { ...options, width: 30 }), [
      "two   10s  http://x  aaaaaaaaa",
    ]);
    const [, details] = await formatTable(people.slice(1), columns, { ...options, width: 29 });
    assert.equal(details, "    url: http://x");
    assert.equal((await formatTable(people, columns, options)).length, 2);
  });

  it("on a terminal is aligned, wide characters counted as two columns", async () => {
    const [first, second] = await formatTable(rows, COLUMNS, { interactive: true, header: false });
    assert.equal(first, `${"ü 名前".padEnd(18)}    5s`);
    assert.equal(second, "evil\\x1b[31m\\x09text  123s");
  });
});
