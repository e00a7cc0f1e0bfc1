// @vitest-environment node
import type { FrontendModule } from "@seamark/app";
import { expect, test } from "vitest";
import openapi from "../../../packages/api-client/openapi.json";

const modules = import.meta.glob<{ default: FrontendModule }>("../../../modules/*/frontend/module.tsx", {
  eager: true,
});
const frontends = Object.values(modules).map(module => module.default);
const declared: Record<string, string[]> = openapi["x-seamark"].pages;

test.for(frontends)("$name draws exactly the pages that its manifest declares", ({ name, pages }) => {
  expect(Object.keys(pages).sort()).toEqual([...(declared[name] ?? [])].sort());
});

test.for(frontends)("$name opens to the public only pages that it has", ({ pages, publicPages = [] }) => {
  expect(Object.keys(pages)).toEqual(expect.arrayContaining(publicPages));
});

test("every module that declares pages has a frontend that draws them", () => {
  const withPages = Object.keys(declared).filter(name => declared[name]?.length && name !== "host");
  expect(frontends.map(frontend => frontend.name)).toEqual(expect.arrayContaining(withPages));
});

test("a frontend is named like its folder", () => {
  const folders = Object.keys(modules).map(path => path.match(/modules\/([^/]+)\//)?.[1]);
  expect(frontends.map(frontend => frontend.name)).toEqual(folders);
});
