// @vitest-environment node
import { expect, test } from "vitest";
import { roleName } from "./RoleDialog";

test.for([
  ["Front desk", "front-desk"],
  ["Büro & Empfang", "buro-empfang"],
  ["  2nd line  ", "nd-line"],
  ["窓口", "role"],
  ["x".repeat(80), "x".repeat(50)],
] as const)("a role called %s is %s to the software", ([label, name]) => {
  expect(roleName(label)).toBe(name);
});
