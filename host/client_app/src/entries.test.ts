// @vitest-environment node
import { expect, test } from "vitest";
import { currentPath, ordered } from "./entries";

const items = ["/contacts", "/admin", "/admin/users"].map(path => ({
  module: "any",
  label: path,
  path,
  icon: "anchor",
  group: "main",
  order: 1,
}));

test.for([
  ["/contacts", "/contacts"],
  ["/contacts/0190", "/contacts"],
  ["/admin/users", "/admin/users"],
  ["/admin/modules", "/admin"],
  ["/contacts-archive", undefined],
  ["/", undefined],
] as const)("on %s the entry %s is the current one", ([pathname, current]) => {
  expect(currentPath(items, pathname)).toBe(current);
});

test("what people work with comes before what they administer, each by its order", () => {
  const entry = (path: string, group: string, order: number) => ({
    module: "any",
    label: path,
    path,
    icon: "anchor",
    group,
    order,
  });
  const entries = [
    entry("/admin", "admin", 1),
    entry("/b", "main", 20),
    entry("/reports", "insight", 5),
    entry("/a", "main", 10),
  ];
  expect(ordered(entries).map(({ path }) => path)).toEqual(["/a", "/b", "/admin", "/reports"]);
});
