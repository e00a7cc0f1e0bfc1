import { expect, test } from "vitest";
import { formatBetween, formatDuration } from "./durations";

test.each([
  [0, "0 s"],
  [0.0123, "12 ms"],
  [4.24, "4.2 s"],
  [59.9, "59.9 s"],
  [60, "1 min"],
  [185, "3 min 5 s"],
  [7440, "2 h 4 min"],
  [86_400 * 3 + 3600 * 4, "3 d 4 h"],
])("%s seconds read %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test("clocks that disagree give no negative time", () => {
  expect(formatBetween("2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z")).toBe("0 s");
  expect(formatBetween(null, "2026-01-01T00:00:00Z")).toBe("");
});
