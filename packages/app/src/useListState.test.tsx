import { act, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter, useLocation, useNavigate } from "react-router";
import { expect, test } from "vitest";
import { useListState } from "./useListState";

function openAt(address: string) {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <MemoryRouter initialEntries={[address]}>{children}</MemoryRouter>
  );
  const hook = () => ({ list: useListState("name"), address: useLocation().search, navigate: useNavigate() });
  return renderHook(hook, { wrapper }).result;
}

test("a link opens the list as it was", () => {
  const page = openAt("/contacts?q=ada&sort=-email&cursor=c2");
  expect(page.current.list).toMatchObject({ q: "ada", sort: "-email", cursor: "c2" });
});

test("searching and sorting begin on the first page, and the usual order leaves no trace", () => {
  const page = openAt("/contacts?cursor=c2");

  act(() => page.current.list.setSearch("ada"));
  expect(page.current.address).toBe("?q=ada");
  act(() => page.current.list.setSort("-email"));
  expect(page.current.address).toBe("?q=ada&sort=-email");
  act(() => page.current.list.setSort("name"));
  expect(page.current.address).toBe("?q=ada");
});

test("the way forth is also the way back, page by page", () => {
  const page = openAt("/contacts");
  expect(page.current.list.toPrevious).toBeUndefined();

  act(() => page.current.list.toNext("c2"));
  act(() => page.current.list.toNext("c3"));
  expect(page.current.list.cursor).toBe("c3");

  act(() => page.current.list.toPrevious?.());
  expect(page.current.list.cursor).toBe("c2");
  act(() => page.current.list.toPrevious?.());
  expect(page.current.list.cursor).toBeUndefined();
  expect(page.current.list.toPrevious).toBeUndefined();
});

test("whoever comes to a later page by a link is offered the first", () => {
  const page = openAt("/contacts?q=ada&cursor=c3");
  expect(page.current.list.toPrevious).toBeUndefined();

  act(() => page.current.list.toFirst?.());
  expect(page.current.address).toBe("?q=ada");
  expect(page.current.list.toFirst).toBeUndefined();
});

test("the browser's back button leaves a search in one step", () => {
  const page = openAt("/contacts");
  act(() => page.current.list.toNext("c2"));
  act(() => page.current.list.setSearch("a"));
  act(() => page.current.list.setSearch("ad"));

  act(() => page.current.navigate(-1));
  expect(page.current.address).toBe("");
});
