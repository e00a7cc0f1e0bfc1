// @vitest-environment node
import { expect, test } from "vitest";
import { formatRelative } from "./Time";

const now = new Date("2026-06-15T12:00:00Z");

test.for([
  ["2026-06-15T11:59:31Z", "now"],
  ["2026-06-15T11:59:00Z", "1 minute ago"],
  ["2026-06-15T10:01:00Z", "1 hour ago"],
  ["2026-06-14T11:00:00Z", "yesterday"],
  ["2026-05-01T12:00:00Z", "last month"],
  ["2024-01-01T12:00:00Z", "2 years ago"],
  ["2026-06-15T12:05:00Z", "in 5 minutes"],
] as const)("%s is %s", ([moment, words]) => {
  expect(formatRelative(new Date(moment), now)).toBe(words);
});
