import { Problem } from "@seamark/api-client";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { FailureState } from "./Loaded";
import { texts } from "./texts";

const problem = (status: number, detail?: string) =>
  new Problem({ status, code: "a.code", title: "A title", detail });

test("a busy server says so in its own words, and may be asked again", () => {
  render(<FailureState error={problem(503, "Many ask at once.")} onRetry={() => {}} />);

  expect(screen.getByText(texts.busy)).toBeTruthy();
  expect(screen.getByText("Many ask at once.")).toBeTruthy();
  expect(screen.getByRole("button")).toBeTruthy();
});

test("an answer that took too long is not called broken", () => {
  render(<FailureState error={problem(504)} />);

  expect(screen.getByText(texts.busyDetail)).toBeTruthy();
  expect(screen.queryByText(texts.broken)).toBeNull();
});

test("an error of the server's own is", () => {
  render(<FailureState error={problem(500, "hidden from people")} />);

  expect(screen.getByText(texts.broken)).toBeTruthy();
});
