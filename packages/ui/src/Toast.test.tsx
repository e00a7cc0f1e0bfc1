import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ToastProvider, useToast } from "./Toast";

const undo = vi.fn();

function Page() {
  const toast = useToast();
  return (
    <button
      type="button"
      onClick={() => toast({ message: "Deleted.", action: { label: "Undo", onSelect: undo } })}
    >
      Delete
    </button>
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  undo.mockClear();
  render(
    <ToastProvider>
      <Page />
    </ToastProvider>,
  );
  fireEvent.click(screen.getByRole("button", { name: "Delete" }));
});
afterEach(() => void vi.useRealTimers());

const pass = (milliseconds: number) => act(() => void vi.advanceTimersByTime(milliseconds));

test("a message goes by itself", () => {
  expect(screen.getByText("Deleted.")).toBeDefined();
  pass(10_000);
  expect(screen.queryByText("Deleted.")).toBeNull();
});

test("a message stays while the focus is on it", () => {
  fireEvent.focus(screen.getByRole("button", { name: "Undo" }));
  pass(60_000);
  expect(screen.getByText("Deleted.")).toBeDefined();

  fireEvent.blur(screen.getByRole("button", { name: "Undo" }));
  pass(10_000);
  expect(screen.queryByText("Deleted.")).toBeNull();
});

test("what a message offers happens once, and then it is gone", () => {
  fireEvent.click(screen.getByRole("button", { name: "Undo" }));
  expect(undo).toHaveBeenCalledOnce();
  expect(screen.queryByText("Deleted.")).toBeNull();
});

test("messages are in a live region that was there before them", () => {
  expect(screen.getByText("Deleted.").closest("[aria-live='polite']")).not.toBeNull();
});
