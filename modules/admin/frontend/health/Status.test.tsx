import { answerApi, renderPage } from "@seamark/app/testing";
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import Status from "./Status";

const check = {
  name: "shop.prices",
  module: "shop",
  status: "degraded",
  critical: false,
  closes_module: true,
  affects: "Nothing can be bought.",
  remark: "no answer within 2 s",
  milliseconds: 2000.1,
  at: "2026-03-01T12:00:00Z",
  since: "2026-03-01T11:00:00Z",
};
const change = {
  id: "1",
  check: "shop.prices",
  status: "failed",
  remark: "refused",
  at: "2026-03-01T11:00:00Z",
  process: "a:1",
};

function open(items: unknown[], permissions = ["admin.health.view"], more = {}) {
  const answers = answerApi({
    "GET /api/admin/health/changes": () => ({ json: { items, next_cursor: null } }),
    ...more,
  });
  const rest = globalThis.fetch;
  vi.stubGlobal("fetch", (asked: Request | string, ...options: unknown[]) =>
    asked === "/admin/health"
      ? Promise.resolve(
          Response.json(
            { status: "degraded", checks: [check] },
            { headers: { "content-type": "application/json" } },
          ),
        )
      : (rest as (...all: unknown[]) => Promise<Response>)(asked, ...options),
  );
  renderPage(<Status />, { at: "/admin/status", permissions });
  return answers;
}

test("says what a failing check affects, and since when", async () => {
  open([]);
  const row = await screen.findByRole("row", { name: /shop\.prices/ });
  expect(within(row).getByText("Nothing can be bought.")).toBeDefined();
  expect(within(row).getByText("Closes its module")).toBeDefined();
  expect(within(row).getByText(/ago/)).toBeDefined();
  expect(await screen.findByText("Nothing has changed")).toBeDefined();
});

test("lists what changed, and by whom it was noticed", async () => {
  open([change]);
  const history = await screen.findByRole("table", { name: "What changed" });
  expect(within(history).getByText("refused")).toBeDefined();
  expect(within(history).getByText("a:1")).toBeDefined();
});

test("a profile is offered to those who may take one, and a refusal is told", async () => {
  const answers = open([], ["admin.health.view", "admin.profile"], {
    "POST /api/admin/profile": () => ({
      status: 409,
      json: { status: 409, code: "admin.profile_running", title: "Conflict", detail: "Try again later." },
    }),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Profile for 10 s" }));
  expect(await screen.findByText("Try again later.")).toBeDefined();
  expect(answers.asked.filter(call => call === "POST /api/admin/profile")).toHaveLength(1);
});

test("is not offered to others", async () => {
  open([]);
  await screen.findByRole("row", { name: /shop\.prices/ });
  expect(screen.queryByRole("button", { name: "Profile for 10 s" })).toBeNull();
});
