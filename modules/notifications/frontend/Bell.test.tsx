import { answerApi, renderPage } from "@seamark/app/testing";
import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import Bell from "./Bell";
import type { Notice } from "./notices";

const done: Notice = {
  id: "7",
  title: "Your import of people.csv is done: 4,980 created, 20 rejected",
  body: "",
  path: "/contacts/imports/9",
  created_at: "2026-01-01T00:00:00Z",
  read_at: null,
};
const failed: Notice = { ...done, id: "6", title: "Your import did not come to its end", body: "Full disk." };

/** A server that remembers what was read. */
function draw(...notices: Notice[]) {
  const kept = new Map(notices.map(notice => [notice.id, notice]));
  const unread = () => [...kept.values()].filter(notice => notice.read_at === null);
  const read = (...all: Notice[]) => {
    for (const notice of all) kept.set(notice.id, { ...notice, read_at: "2026-01-02T00:00:00Z" });
    return { status: 204 };
  };
  const { asked } = answerApi({
    "GET /api/notifications/unread": () => ({ json: { count: unread().length } }),
    "GET /api/notifications": () => ({ json: { items: [...kept.values()], next_cursor: null } }),
    "POST /api/notifications/read": () => read(...unread()),
    "POST /api/notifications/7/read": () => read(done),
  });
  return { asked, tell: (notice: Notice) => kept.set(notice.id, notice), ...renderPage(<Bell />) };
}

async function open(name: RegExp | string): Promise<HTMLElement> {
  await userEvent.click(await screen.findByRole("button", { name }));
  return screen.getByRole("dialog", { name: "Notifications" });
}

test("the bell says how many wait, and shows them when asked", async () => {
  const { asked } = draw(done, failed);
  const bell = await screen.findByRole("button", { name: "Notifications, 2 unread" });
  expect(bell.getAttribute("aria-expanded")).toBe("false");
  expect(asked).not.toContain("GET /api/notifications");

  const latest = await open("Notifications, 2 unread");
  expect(await within(latest).findByRole("link", { name: done.title })).toBeDefined();
  expect(within(latest).getByText("Full disk.")).toBeDefined();
  expect(bell.getAttribute("aria-expanded")).toBe("true");
  expect(document.activeElement).toBe(latest);
});

test("who is told nothing sees so", async () => {
  draw();
  const latest = await open("Notifications");
  expect(await within(latest).findByText("Nothing so far")).toBeDefined();
  expect(within(latest).queryByRole("button")).toBeNull();
});

test("following one goes where it leads, reads it and closes the bell", async () => {
  const page = draw(done, failed);
  const latest = await open("Notifications, 2 unread");
  await userEvent.click(await within(latest).findByRole("link", { name: done.title }));

  expect(page.path()).toBe("/contacts/imports/9");
  expect(
    await screen.findByRole("button", { name: "Notifications, 1 unread", expanded: false }),
  ).toBeDefined();
});

test("all are read at once", async () => {
  draw(done, failed);
  const latest = await open("Notifications, 2 unread");
  await userEvent.click(within(latest).getByRole("button", { name: "Mark all as read" }));

  expect(await screen.findByRole("button", { name: "Notifications" })).toBeDefined();
  expect(within(latest).queryByRole("button", { name: "Mark all as read" })).toBeNull();
});

test("one without a page to see can be marked as read by itself", async () => {
  draw({ ...done, path: null });
  const latest = await open("Notifications, 1 unread");
  expect(within(latest).queryByRole("link", { name: done.title })).toBeNull();
  await userEvent.click(await within(latest).findByRole("button", { name: `Mark “${done.title}” as read` }));

  expect(await screen.findByRole("button", { name: "Notifications" })).toBeDefined();
});

test("more than people count is said so", async () => {
  answerApi({ "GET /api/notifications/unread": () => ({ json: { count: 100 } }) });
  renderPage(<Bell />);
  expect(await screen.findByRole("button", { name: "Notifications, 99+ unread" })).toBeDefined();
});

test("what comes meanwhile is noticed within half a minute", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { tell } = draw();
  await screen.findByRole("button", { name: "Notifications" });
  tell(done);
  await act(() => vi.advanceTimersByTimeAsync(30_000));

  await waitFor(() => expect(screen.getByRole("button", { name: "Notifications, 1 unread" })).toBeDefined());
  vi.useRealTimers();
});

test("a change that fails is said, and nothing looks changed", async () => {
  const { asked } = answerApi({
    "GET /api/notifications/unread": () => ({ json: { count: 1 } }),
    "GET /api/notifications": () => ({ json: { items: [done], next_cursor: null } }),
    "POST /api/notifications/read": () => ({ status: 500, json: {} }),
  });
  renderPage(<Bell />);
  const latest = await open("Notifications, 1 unread");
  await userEvent.click(await within(latest).findByRole("button", { name: "Mark all as read" }));

  expect(await screen.findByText("That could not be saved. Try again.")).toBeDefined();
  expect(asked).toContain("POST /api/notifications/read");
  expect(screen.getByRole("button", { name: "Notifications, 1 unread" })).toBeDefined();
});
