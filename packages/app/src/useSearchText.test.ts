import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useSearchText } from "./useSearchText";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what is typed shows at once and is searched when the typing pauses", () => {
  const apply = vi.fn();
  const { result } = renderHook(() => useSearchText("", apply));

  for (const text of ["a", "ad", "ada "]) act(() => result.current[1](text));
  expect(result.current[0]).toBe("ada ");
  expect(apply).not.toHaveBeenCalled();

  act(() => void vi.runAllTimers());
  expect(apply.mock.calls).toEqual([["ada"]]);
});

test("going back to an earlier search shows it in the field", () => {
  const { result, rerender } = renderHook(({ applied }) => useSearchText(applied, () => {}), {
    initialProps: { applied: "ada" },
  });
  rerender({ applied: "grace" });
  expect(result.current[0]).toBe("grace");
});

test("an applied search does not overwrite what was typed since", () => {
  const { result, rerender } = renderHook(({ applied }) => useSearchText(applied, () => {}), {
    initialProps: { applied: "" },
  });
  act(() => result.current[1]("ada"));
  act(() => void vi.runAllTimers());
  act(() => result.current[1]("ada l"));
  rerender({ applied: "ada" });
  expect(result.current[0]).toBe("ada l");
});
