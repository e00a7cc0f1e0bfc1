import { answerApi, renderPage } from "@seamark/app/testing";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import type { Account } from "./accounts";
import { EditAccountDialog } from "./EditAccountDialog";

const ada: Account = {
  id: "7",
  email: "ada@example.com",
  name: "Ada Lovelace",
  active: true,
  roles: [],
  created_at: "2026-01-01T00:00:00Z",
  version: 1,
};

test("somebody who is refused after too many wrong passwords is let in again", async () => {
  const { asked } = answerApi({
    "GET /api/users/roles": () => ({ json: [] }),
    "POST /api/users/accounts/7/forget-failed-sign-ins": () => ({ status: 204 }),
  });
  const onClose = vi.fn();
  renderPage(<EditAccountDialog account={ada} onClose={onClose} />);
  await userEvent.setup().click(screen.getByRole("button", { name: "Clear failed sign-ins", hidden: true }));
  expect(await screen.findByText("Ada Lovelace may try to sign in again.")).toBeDefined();
  expect(asked).toContain("POST /api/users/accounts/7/forget-failed-sign-ins");
  expect(onClose).toHaveBeenCalled();
});
