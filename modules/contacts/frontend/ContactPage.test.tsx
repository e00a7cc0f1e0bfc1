import { answerApi, renderPage } from "@seamark/app/testing";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Route, Routes } from "react-router";
import { expect, test } from "vitest";
import ContactPage from "./ContactPage";
import type { Contact } from "./contacts";

const ada: Contact = {
  id: "7",
  name: "Ada Lovelace",
  email: "ada@example.com",
  phone: null,
  organisation: "Analytical Engines",
  notes: null,
  tags: ["vip"],
  version: 3,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-02T00:00:00Z",
};

const suggestions = {
  "GET /api/contacts/organisations": () => ({ json: { items: [], next_cursor: null } }),
  "GET /api/contacts/tags": () => ({ json: { items: [] } }),
};

const draw = (at: string, permissions = ["contacts.view", "contacts.write"]) =>
  renderPage(
    <Routes>
      <Route path="/contacts/:id" element={<ContactPage />} />
      <Route path="/contacts" element={<h1>All contacts</h1>} />
    </Routes>,
    { at, permissions },
  );

test("deleting happens at once, and undoing brings the contact back", async () => {
  const { asked } = answerApi({
    "GET /api/contacts/7": () => ({ json: ada }),
    "DELETE /api/contacts/7": () => ({ status: 204 }),
    "POST /api/contacts/7/restore": () => ({ json: ada }),
  });
  draw("/contacts/7");

  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  await screen.findByRole("heading", { name: "All contacts" });
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));

  expect(await screen.findByText("Ada Lovelace is back.")).toBeDefined();
  expect(asked.filter(call => !call.startsWith("GET"))).toEqual([
    "DELETE /api/contacts/7",
    "POST /api/contacts/7/restore",
  ]);
});

test("an address that was taken meanwhile is the reason why nothing came back", async () => {
  answerApi({
    "GET /api/contacts/7": () => ({ json: ada }),
    "DELETE /api/contacts/7": () => ({ status: 204 }),
    "POST /api/contacts/7/restore": () => ({
      status: 409,
      json: { detail: "Another contact has this address now." },
    }),
  });
  draw("/contacts/7");

  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
  expect(await screen.findByText("Another contact has this address now.")).toBeDefined();
});

test("someone who may only look is offered neither", async () => {
  answerApi({ "GET /api/contacts/7": () => ({ json: ada }) });
  draw("/contacts/7?edit", ["contacts.view"]);

  await screen.findByText("Analytical Engines");
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.queryByRole("link", { name: "Edit" })).toBeNull();
});

test("a contact that is gone says so", async () => {
  answerApi({
    "GET /api/contacts/7": () => ({ status: 404, json: { detail: "There is no such contact." } }),
  });
  draw("/contacts/7");
  expect(await screen.findByText("There is no such contact.")).toBeDefined();
});

test("what is saved is based on the version that was read", async () => {
  let saved: unknown;
  answerApi({
    ...suggestions,
    "GET /api/contacts/7": () => ({ json: ada }),
    "PATCH /api/contacts/7": body => {
      saved = body;
      return { json: { ...ada, phone: "+49 30 1" } };
    },
  });
  const page = draw("/contacts/7?edit");

  await userEvent.type(await screen.findByLabelText(/Phone/), "+49 30 1");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));

  await waitFor(() => expect(page.path()).toBe("/contacts/7"));
  expect(saved).toEqual({
    name: "Ada Lovelace",
    email: "ada@example.com",
    phone: "+49 30 1",
    organisation: "Analytical Engines",
    notes: null,
    tags: ["vip"],
    version: 3,
  });
});

function drawConflict() {
  let current = ada;
  const versions: unknown[] = [];
  answerApi({
    ...suggestions,
    "GET /api/contacts/7": () => ({ json: current }),
    "PATCH /api/contacts/7": body => {
      const change = body as Contact;
      versions.push(change.version);
      if (change.version !== current.version) return { status: 409, json: { code: "contacts.stale" } };
      current = { ...current, ...change, version: current.version + 1 };
      return { json: current };
    },
  });
  const page = draw("/contacts/7?edit");
  const meanwhile = () => {
    current = { ...ada, organisation: "Royal Society", version: 4 };
  };
  return { page, versions, meanwhile };
}

async function saveIntoConflict(meanwhile: () => void) {
  await userEvent.type(await screen.findByLabelText(/Phone/), "+49 30 1");
  meanwhile();
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  return within(await screen.findByRole("dialog"));
}

test("a contact that someone else changed meanwhile shows both versions where they differ", async () => {
  const { meanwhile } = drawConflict();
  const dialog = await saveIntoConflict(meanwhile);

  const rows = dialog.getAllByRole("row").map(row => row.textContent);
  expect(rows).toEqual([
    "Saved meanwhileYours",
    "Phone–+49 30 1",
    "OrganisationRoyal SocietyAnalytical Engines",
  ]);
});

test("choosing one's own version saves it over the other", async () => {
  const { page, versions, meanwhile } = drawConflict();
  const dialog = await saveIntoConflict(meanwhile);
  await userEvent.click(dialog.getByRole("button", { name: "Save mine" }));

  await waitFor(() => expect(page.path()).toBe("/contacts/7"));
  expect(versions).toEqual([3, 4]);
  expect(screen.getByText("Analytical Engines")).toBeDefined();
});

test("choosing the other version saves nothing", async () => {
  const { page, versions, meanwhile } = drawConflict();
  const dialog = await saveIntoConflict(meanwhile);
  await userEvent.click(dialog.getByRole("button", { name: "Keep theirs" }));

  await waitFor(() => expect(page.path()).toBe("/contacts/7"));
  expect(versions).toEqual([3]);
  expect(screen.getByText("Royal Society")).toBeDefined();
});
