import { answerApi, renderPage } from "@seamark/app/testing";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Route, Routes } from "react-router";
import { expect, test } from "vitest";
import type { TaskDetail } from "../tasks";
import TaskPage from "./TaskPage";

const dead: TaskDetail = {
  id: "7",
  name: "shop.send_receipt",
  module: "shop",
  queue: "mail",
  priority: "normal",
  status: "failed",
  attempt: 3,
  worker: "mail@one:42",
  done: null,
  total: null,
  note: null,
  error: "the mail server said no",
  correlation_id: "0123456789abcdef",
  schedule: null,
  created_at: "2026-01-01T00:00:00Z",
  available_at: "2026-01-01T00:00:00Z",
  started_at: "2026-01-01T00:00:01Z",
  finished_at: "2026-01-01T00:00:02Z",
  cancel_requested: false,
  arguments: { order_id: 12, api_key: "**********" },
  arguments_hidden: null,
  declaration: { max_attempts: 3, soft_limit: 60, hard_limit: 90, external: true, steps: false },
  failure: {
    type: "ConnectionRefusedError",
    message: "the mail server said no",
    traceback: "  File shop/tasks.py",
  },
  attempts: [],
  timeline: [],
  logs: [
    { at: "2026-01-01T00:00:01Z", attempt: 1, level: "warning", event: "slow server", fields: { ms: 900 } },
  ],
  publications: 3,
  steps: 0,
  cursor: null,
  unique_key: null,
  order_key: null,
  waits_for: null,
  due_at: null,
  parked: null,
  heartbeat_at: null,
  kept_until: null,
  siblings: 2,
};

function draw(task: TaskDetail, permissions = ["background_tasks.view", "background_tasks.manage"]) {
  const { asked } = answerApi({
    "GET /api/background_tasks/tasks/7": () => ({ json: task }),
    "POST /api/background_tasks/tasks/7/retry": () => ({ status: 202, json: null }),
    "POST /api/background_tasks/tasks/7/cancel": () => ({ status: 202, json: null }),
  });
  renderPage(
    <Routes>
      <Route path="/background_tasks/tasks/:id" element={<TaskPage />} />
    </Routes>,
    { at: "/background_tasks/tasks/7", permissions },
  );
  return asked;
}

test("a dead letter says what it was given, why it failed, and what else its request did", async () => {
  draw(dead);
  expect(await screen.findByText("  File shop/tasks.py", { normalizer: text => text })).toBeDefined();
  expect(screen.getByText('"**********"')).toBeDefined();
  expect(screen.getByText("slow server", { exact: false })).toBeDefined();
  expect(screen.getByRole("link", { name: "2 other tasks" }).getAttribute("href")).toBe(
    "/background_tasks?correlation_id=0123456789abcdef",
  );
});

test("what reaches outside is run again only after a question", async () => {
  const asked = draw(dead);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Run again" }));
  expect(asked).not.toContain("POST /api/background_tasks/tasks/7/retry");

  const answers = await screen.findAllByRole("button", { name: "Run again", hidden: true });
  await user.click(answers.at(-1) as HTMLElement);
  expect(await screen.findByText("The task will run again.")).toBeDefined();
  expect(asked).toContain("POST /api/background_tasks/tasks/7/retry");
});

test("more attempts than one run has are explained", async () => {
  draw({ ...dead, attempt: 6 });
  expect(await screen.findByText("6; up to 3 each time it is run again")).toBeDefined();
});

test("a running task can be cancelled, and not run again", async () => {
  const asked = draw({ ...dead, status: "running", failure: null, done: 3, total: 12 });
  expect(await screen.findByText("3 of 12")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Run again" })).toBeNull();

  await userEvent.setup().click(screen.getByRole("button", { name: "Cancel" }));
  expect(await screen.findByText("The task is being cancelled.")).toBeDefined();
  expect(asked).toContain("POST /api/background_tasks/tasks/7/cancel");
});

test("who may only look is offered nothing to do", async () => {
  draw(dead, ["background_tasks.view"]);
  expect(await screen.findByText("Dead letter")).toBeDefined();
  expect(screen.queryByRole("button")).toBeNull();
});
