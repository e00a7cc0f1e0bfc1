import { answerApi, renderPage } from "@seamark/app/testing";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import SignIn from "./SignIn";

async function signIn(status: number, problem: { code: string; detail: string }) {
  answerApi({ "POST /api/users/sign-in": () => ({ status, json: { status, title: "No", ...problem } }) });
  renderPage(<SignIn />, { stranger: true });
  const user = userEvent.setup();
  await user.type(screen.getByLabelText("E-mail"), "ada@example.com");
  await user.type(screen.getByLabelText("Password"), "a password");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
}

test("who used up all guesses, or whose guesses others used up, is told how to come in all the same", async () => {
  await signIn(403, { code: "users.known_device_required", detail: "Too many failed attempts." });
  expect(await screen.findByText("ask an administrator to let you in again", { exact: false })).toBeDefined();
});

test("who has to wait is told how long", async () => {
  await signIn(429, { code: "users.too_many_attempts", detail: "Try again in 8 seconds." });
  expect(await screen.findByText("Try again in 8 seconds.", { exact: false })).toBeDefined();
});
