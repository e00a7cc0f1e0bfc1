import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { Table } from "./Table";

const columns = [
  { key: "name", header: "Name", sortable: true, cell: (row: { name: string }) => row.name },
  { key: "notes", header: "Notes", cell: () => "–" },
];

function draw(sort: string) {
  const onSort = vi.fn();
  const rows = [{ name: "Ada" }];
  render(
    <Table
      caption="People"
      columns={columns}
      rows={rows}
      rowKey={row => row.name}
      sort={sort}
      onSort={onSort}
    />,
  );
  return onSort;
}

test.for([
  ["name", "ascending", "-name"],
  ["-name", "descending", "name"],
  ["email", "none", "name"],
] as const)("sorted by %s, the heading says %s and leads to %s", async ([sort, order, next]) => {
  const onSort = draw(sort);
  expect(screen.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe(order);
  await userEvent.click(screen.getByRole("button", { name: "Name" }));
  expect(onSort).toHaveBeenCalledWith(next);
});

test("a column that cannot be sorted does not look as if it could", () => {
  draw("name");
  expect(screen.getByRole("columnheader", { name: "Notes" }).hasAttribute("aria-sort")).toBe(false);
});

test("each row is headed by its first column", () => {
  draw("name");
  expect(screen.getByRole("rowheader", { name: "Ada" })).toBeDefined();
});
