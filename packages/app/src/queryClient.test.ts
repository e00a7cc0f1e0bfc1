// @vitest-environment node
import { Problem } from "@seamark/api-client";
import { expect, test } from "vitest";
import { type AppInfo, appQuery } from "./app";
import { createQueryClient } from "./queryClient";

const app: AppInfo = {
  name: "Seamark",
  environment: "test",
  modules: ["contacts"],
  unavailable: [],
  navigation: [],
  user: { id: "1", email: "ada@example.com", name: "Ada", permissions: [] },
};
const problem = (status: number, code = `http.${status}`) => new Problem({ status, code, title: "No" });

async function userAfter(error: Error) {
  const client = createQueryClient();
  client.setQueryData(appQuery.queryKey, app);
  await client.fetchQuery({ queryKey: ["any"], queryFn: () => Promise.reject(error) }).catch(() => {});
  return client.getQueryData(appQuery.queryKey)?.user;
}

test("an answer of 401 to anything means that nobody is signed in", async () => {
  expect(await userAfter(problem(401))).toBeNull();
});

test("a refusal of something else leaves the session alone", async () => {
  expect(await userAfter(problem(403))).toEqual(app.user);
});

test("what may pass is asked again, what will not is not", () => {
  const client = createQueryClient();
  const retry = client.getDefaultOptions().queries?.retry as (failures: number, error: Error) => boolean;
  expect([0, 1, 2].map(failures => retry(failures, problem(503)))).toEqual([true, true, false]);
  expect(retry(0, problem(0))).toBe(true);
  expect(retry(0, problem(503, "module.unavailable"))).toBe(false);
  expect(retry(0, problem(422))).toBe(false);
  expect(retry(0, new Error("a mistake in the page"))).toBe(false);
});
