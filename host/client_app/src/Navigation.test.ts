// @vitest-environment node
import { expect, test } from "vitest";
import { currentPath } from "./Navigation";

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
