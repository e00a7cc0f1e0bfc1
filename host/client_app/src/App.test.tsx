import type { AppInfo } from "@seamark/app";
import { answerApi, renderPage } from "@seamark/app/testing";
import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { App } from "./App";

const user = { id: "1", email: "ada@example.com", name: "Ada Lovelace", permissions: ["contacts.view"] };
const contacts = {
  module: "contacts",
  label: "Contacts",
  path: "/contacts",
  icon: "users",
  group: "main",
  order: 1,
};
const app: AppInfo = {
  name: "Seamark",
  environment: "test",
  modules: ["contacts", "users"],
  unavailable: [],
  navigation: [contacts],
  user,
};

function open(at: string, found: Partial<AppInfo> = {}, more: Parameters<typeof answerApi>[0] = {}) {
  vi.stubGlobal("scrollTo", () => {});
  answerApi({
    "GET /api/app": () => ({ json: { ...app, ...found } }),
    "GET /api/contacts": () => ({ json: { items: [], next_cursor: null } }),
    ...more,
  });
  return renderPage(<App />, { at });
}

test("a page of an enabled module opens, in the shell and named in the window", async () => {
  open("/contacts");
  expect(await screen.findByRole("heading", { level: 1, name: "Contacts" })).toBeDefined();
  expect(screen.getAllByRole("link", { name: "Contacts", current: "page" })).not.toHaveLength(0);
  expect(document.title).toBe("Contacts · Seamark");
});

test("a page of a module that is not enabled does not exist", async () => {
  open("/contacts", { modules: ["users"], navigation: [] });
  expect(await screen.findByRole("heading", { name: "This page does not exist" })).toBeDefined();
});

test("an address below an enabled module that is none of its pages does not exist", async () => {
  open("/contacts/7/nothing");
  expect(await screen.findByRole("heading", { name: "This page does not exist" })).toBeDefined();
});

test("who is not signed in is asked to, and comes back to the page", async () => {
  let isSignedIn = false;
  const page = open(
    "/contacts?q=ada",
    {},
    {
      "GET /api/app": () => ({ json: isSignedIn ? app : { ...app, user: null, navigation: [] } }),
      "POST /api/users/sign-in": () => {
        isSignedIn = true;
        return { status: 204 };
      },
    },
  );
  await userEvent.type(await screen.findByLabelText("E-mail"), "ada@example.com");
  await userEvent.type(screen.getByLabelText("Password"), "a good one");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));

  await waitFor(() => expect(page.path()).toBe("/contacts?q=ada"));
  expect(await screen.findByRole("heading", { level: 1, name: "Contacts" })).toBeDefined();
});

test("wrong credentials are said in words, and nothing is lost", async () => {
  open(
    "/users/sign-in",
    { user: null },
    {
      "POST /api/users/sign-in": () => ({ status: 401, json: { code: "users.invalid_credentials" } }),
    },
  );
  const email = await screen.findByLabelText<HTMLInputElement>("E-mail");
  await userEvent.type(email, "ada@example.com");
  await userEvent.type(screen.getByLabelText("Password"), "wrong");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));

  expect((await screen.findByRole("alert")).textContent).toContain("do not match");
  expect(email.value).toBe("ada@example.com");
});

test("a session that ends meanwhile leads to the sign-in page and back", async () => {
  const page = open(
    "/contacts",
    {},
    { "GET /api/contacts": () => ({ status: 401, json: { code: "http.unauthorized" } }) },
  );
  await waitFor(() => expect(page.path()).toBe("/users/sign-in?next=%2Fcontacts"));
});

test("what a module puts into the header is on every page", async () => {
  open(
    "/contacts",
    { modules: ["contacts", "notifications"] },
    { "GET /api/notifications/unread": () => ({ json: { count: 3 } }) },
  );
  // On a phone and beside a sidebar; styles show one of them.
  expect(await screen.findAllByRole("button", { name: "Notifications, 3 unread" })).toHaveLength(2);
});

test("after a navigation the new page's title has the focus; at the start nothing has", async () => {
  open("/");
  await screen.findByRole("heading", { level: 1, name: /Ada/ });
  expect(document.activeElement).toBe(document.body);

  const link = screen.getAllByRole("link", { name: "Contacts" })[0] as HTMLElement;
  await act(() => userEvent.click(link)); // Around all of it, because the page is loaded on the way.
  const heading = await screen.findByRole("heading", { level: 1, name: "Contacts" });
  await waitFor(() => expect(document.activeElement).toBe(heading));
});

test("a server that cannot be reached is named, and asked again", async () => {
  let isUp = false;
  vi.stubGlobal("scrollTo", () => {});
  answerApi({
    "GET /api/app": () => (isUp ? { json: app } : { status: 500, json: { correlation_id: "abc-123" } }),
  });
  renderPage(<App />, { at: "/" });

  expect(await screen.findByText("abc-123")).toBeDefined();
  isUp = true;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("heading", { level: 1, name: /Ada/ })).toBeDefined();
});

test("a module that does not work is marked, its page says so, and both recover by themselves", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  let works = false;
  const refused = { status: 503, json: { status: 503, code: "module.unavailable", module: "contacts" } };
  open(
    "/contacts",
    {},
    {
      "GET /api/app": () => ({ json: { ...app, unavailable: works ? [] : ["contacts"] } }),
      "GET /api/contacts": () => (works ? { json: { items: [], next_cursor: null } } : refused),
    },
  );
  const marked = { name: /^Contacts ?: does not work just now$/ };
  expect(await screen.findByText("This part does not work just now")).toBeDefined();
  expect(screen.getAllByRole("link", marked)).not.toHaveLength(0);

  works = true;
  await act(() => vi.advanceTimersByTimeAsync(6_000));
  await waitFor(() => expect(screen.queryByText("This part does not work just now")).toBeNull());
  expect(screen.queryAllByRole("link", marked)).toHaveLength(0);
  vi.useRealTimers();
});

test("the application is asked what does not work as soon as a page cannot be had", async () => {
  let known = false;
  open(
    "/contacts",
    {},
    {
      "GET /api/app": () => ({ json: { ...app, unavailable: known ? ["contacts"] : [] } }),
      "GET /api/contacts": () => {
        known = true;
        return { status: 503, json: { status: 503, code: "module.unavailable" } };
      },
    },
  );
  expect(
    await screen.findAllByRole("link", { name: /^Contacts ?: does not work just now$/ }),
  ).not.toHaveLength(0);
});

test("a release that does not know the word yet takes nothing away", async () => {
  const { unavailable: _, ...earlier } = app;
  open("/contacts", {}, { "GET /api/app": () => ({ json: earlier }) });
  expect(await screen.findByRole("heading", { level: 1, name: "Contacts" })).toBeDefined();
});
