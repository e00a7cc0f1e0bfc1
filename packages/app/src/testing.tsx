import { ToastProvider } from "@seamark/ui";
import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter, useLocation } from "react-router";
import { vi } from "vitest";
import { AppContext, type AppInfo } from "./app";
import { createQueryClient } from "./queryClient";

type Answer = (body: unknown) => { status?: number; json?: unknown };

/** Answers the API client by method and path, `"PATCH /api/contacts/1"`; whatever is not listed is a 404. Returns what was asked. */
export function answerApi(routes: Record<string, Answer>): { asked: string[] } {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    const call = `${request.method} ${pathname}`;
    asked.push(call);
    const text = await request.text();
    const { status = 200, json } = routes[call]?.(text ? JSON.parse(text) : undefined) ?? {
      status: 404,
      json: {},
    };
    const type = status < 400 ? "application/json" : "application/problem+json";
    return new Response(status === 204 ? null : JSON.stringify(json), {
      status,
      headers: { "content-type": type },
    });
  });
  return { asked };
}

interface Surroundings {
  at?: string;
  permissions?: string[];
  /** Nobody is signed in. */
  stranger?: boolean;
}

/** Draws a page as the shell would: with an address, someone signed in or not, toasts. `path()` says where it has gone since. */
export function renderPage(page: ReactNode, { at = "/", permissions = [], stranger }: Surroundings = {}) {
  const user = stranger ? null : { id: "1", email: "ada@example.com", name: "Ada Lovelace", permissions };
  const app: AppInfo = {
    name: "Seamark",
    environment: "test",
    modules: [],
    unavailable: [],
    navigation: [],
    user,
  };
  let path = at;
  function Address() {
    const { pathname, search } = useLocation();
    path = pathname + search;
    return null;
  }
  const client = createQueryClient();
  render(
    <QueryClientProvider client={client}>
      <MemoryRouter initialEntries={[at]}>
        <AppContext value={app}>
          <ToastProvider>
            {page}
            <Address />
          </ToastProvider>
        </AppContext>
      </MemoryRouter>
    </QueryClientProvider>,
  );
  return { client, path: () => path };
}
