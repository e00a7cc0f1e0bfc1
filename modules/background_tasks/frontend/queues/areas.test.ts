import { expect, test } from "vitest";
import { areas } from "./areas";

test("a gap parts the line, and nothing is drawn where nobody looked", () => {
  const drawn = areas([1, 2, null, 4], 4, 40, 12);
  expect(drawn.map(({ line }) => line)).toEqual(["M5 9.5L15 7", "M35 2L45 2"]);
  expect(drawn[0]?.area).toBe("M5 9.5L15 7L15 12L5 12Z");
});

test("a queue in which nothing happens lies on the ground", () => {
  expect(areas([0, 0], 0, 20, 10)[0]?.line).toBe("M5 10L15 10");
});

test("no samples draw nothing", () => {
  expect(areas([], 0, 20, 10)).toEqual([]);
  expect(areas([null, null], 0, 20, 10)).toEqual([]);
});
