import createClient, { type Middleware } from "openapi-fetch";
import type { SuccessResponseJSON } from "openapi-typescript-helpers";
import { Problem } from "./problem";
import type { paths } from "./schema";
import { send } from "./send";

export { type FieldError, Problem } from "./problem";
export type { paths } from "./schema";

const throwProblems: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await Problem.fromResponse(response);
  },
  onError({ error }) {
    // An aborted request is nobody's problem: whoever aborted it knows.
    return error instanceof DOMException && error.name === "AbortError" ? undefined : Problem.unreachable();
  },
};

/** The typed client of the whole API. Wrap a call in `body()` to get what it answers. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  fetch: send,
});
api.use(throwProblems);

/** The body of a successful answer; every other outcome throws a `Problem`. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  return data as T; // Undefined only where T says so (204): failures have thrown by now.
}

type Method = "get" | "put" | "post" | "patch" | "delete";
type With<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, object> ? P : never;
}[keyof paths];

/** The type of what a route answers: `Answer<"/api/contacts/{id}", "get">`. */
export type Answer<P extends With<M>, M extends Method = "get"> =
  paths[P] extends Record<M, infer Operation>
    ? SuccessResponseJSON<Operation & Record<string, unknown>>
    : never;
