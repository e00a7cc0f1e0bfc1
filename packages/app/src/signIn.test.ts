// @vitest-environment node
import { expect, test } from "vitest";
import { safeNext, signInPath } from "./signIn";

const ORIGIN = "https://seamark.example";

test.for([
  ["/contacts?q=ada#top", "/contacts?q=ada#top"],
  ["/contacts/0190?edit", "/contacts/0190?edit"],
])("after signing in, %s is where one wanted to go", ([next, path]) => {
  expect(safeNext(next ?? null, ORIGIN)).toBe(path);
});

test.for([
  null,
  "",
  "contacts",
  "https://elsewhere.example/",
  "//elsewhere.example/contacts",
  "/\\elsewhere.example/contacts",
  "/\t/elsewhere.example/",
  "javascript:alert(1)",
  "/users/sign-in?next=/users/sign-in",
])("a link cannot lead away by next=%s", next => {
  expect(safeNext(next, ORIGIN)).toBe("/");
});

test("the way back survives the sign-in page's address", () => {
  const path = signInPath("/contacts?q=a&b");
  expect(safeNext(new URL(path, ORIGIN).searchParams.get("next"), ORIGIN)).toBe("/contacts?q=a&b");
});

test("the start page needs no way back", () => {
  expect(signInPath("/")).toBe("/users/sign-in");
});
