import { answerApi, renderPage } from "@seamark/app/testing";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { Summary } from "../tasks";
import TaskList from "./TaskList";

const summary: Summary = {
  counts: {
    queued: 0,
    scheduled: 0,
    retrying: 0,
    parked: 0,
    running: 0,
    failed: 2,
    cancelled: 0,
    ended_last_hour: 5,
    failed_last_hour: 2,
  },
  dead_letters: [{ name: "shop.send_receipt", count: 2, latest_at: "2026-01-01T00:00:00Z", external: false }],
  parked: [],
  workers: 1,
  modules: ["shop"],
  queues: ["default", "mail"],
  names: ["shop.send_receipt"],
};

function draw(answered: Summary, at = "/background_tasks") {
  const retried: unknown[] = [];
  answerApi({
    "GET /api/background_tasks/summary": () => ({ json: answered }),
    "GET /api/background_tasks/tasks": () => ({ json: { items: [], next_cursor: null } }),
    "POST /api/background_tasks/tasks/retry": body => {
      retried.push(body);
      return { json: { retried: 1, more: retried.length === 1 } };
    },
  });
  const permissions = ["background_tasks.view", "background_tasks.manage"];
  return { ...renderPage(<TaskList />, { at, permissions }), retried };
}

test("all dead letters of a kind run again with one press", async () => {
  const { retried } = draw(summary);
  await userEvent
    .setup()
    .click(await screen.findByRole("button", { name: "Run all of shop.send_receipt again" }));
  expect(await screen.findByText("2 tasks will run again.")).toBeDefined();
  expect(retried).toEqual(Array(2).fill({ name: "shop.send_receipt" }));
});

test("where all that run again reach outside, it asks first", async () => {
  const { retried } = draw({
    ...summary,
    dead_letters: summary.dead_letters.map(kind => ({ ...kind, external: true })),
  });
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Run all of shop.send_receipt again" }));
  expect(await screen.findByText(/it may send a message/)).toBeDefined();
  expect(retried).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Run all again" }));
  expect(await screen.findByText("2 tasks will run again.")).toBeDefined();
});

test("a filter is in the address and begins on the first page", async () => {
  const { path } = draw(summary, "/background_tasks?cursor=c2");
  await screen.findByRole("option", { name: "mail" });
  await userEvent.setup().selectOptions(screen.getByLabelText("Queue"), "mail");
  await waitFor(() => expect(path()).toBe("/background_tasks?queue=mail"));
});

test("an empty list that is narrowed leads back to all tasks", async () => {
  draw(summary, "/background_tasks?status=failed");
  const all = await screen.findByRole("link", { name: "Show all tasks" });
  expect(all.getAttribute("href")).toBe("/background_tasks");
});

test("that nobody works is said, with the command that mends it", async () => {
  draw({ ...summary, workers: 0, dead_letters: [] });
  expect(await screen.findByText("No worker is running")).toBeDefined();
  expect(screen.getByText("celery -A background_tasks.celery_app worker")).toBeDefined();
});
