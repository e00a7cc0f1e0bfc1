// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { send } from "./send";

type Outcome = number | "lost" | { status: number; after: string };

/** Answers in this order, the last one for ever. Returns the requests that came. */
function answering(...outcomes: Outcome[]): Request[] {
  const requests: Request[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    request.signal.throwIfAborted();
    const outcome = outcomes[Math.min(requests.length, outcomes.length - 1)] ?? 200;
    requests.push(request);
    if (outcome === "lost") throw new TypeError("Failed to fetch");
    const { status, after } = typeof outcome === "number" ? { status: outcome, after: undefined } : outcome;
    return new Response(status === 204 ? null : "{}", {
      status,
      headers: { "content-type": "application/json", ...(after && { "retry-after": after }) },
    });
  });
  return requests;
}

const request = (method: string, options: RequestInit = {}) =>
  new Request("https://seamark.test/api/contacts", { method, ...options });
/** The status of the answer, or the name of the error. */
const post = (options?: RequestInit): Promise<number | string> =>
  send(request("POST", { body: '{"name":"Ada"}', ...options })).then(
    ({ status }) => status,
    error => error.name,
  );
const keys = (requests: Request[]) => requests.map(request => request.headers.get("idempotency-key"));

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
});

test("what changes something carries a key of its own, as a quoted string", async () => {
  const requests = answering(201);

  await post();
  await post();

  const [one, other] = keys(requests);
  expect(one).toMatch(/^"[0-9a-f-]{36}"$/);
  expect(other).not.toBe(one);
});

test("where the browser makes no UUIDs, by plain http, the key is as random", async () => {
  const requests = answering(201);
  vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes.fill(171) });

  await post();

  expect(keys(requests)).toEqual([`"${"ab".repeat(16)}"`]);
});

test("what only reads carries none and is sent once", async () => {
  const requests = answering(503);

  await send(request("GET"));

  expect(keys(requests)).toEqual([null]);
});

test.each<Outcome>(["lost", 502, 503, 504, { status: 409, after: "1" }])(
  "after %o it is sent again, the same in all",
  async outcome => {
    const requests = answering(outcome, outcome, 201);

    const status = post();
    await vi.runAllTimersAsync();

    expect(await status).toBe(201);
    expect(requests).toHaveLength(3);
    expect(new Set(keys(requests)).size).toBe(1);
    const bodies = await Promise.all(requests.map(request => request.text()));
    expect(new Set(bodies)).toEqual(new Set(['{"name":"Ada"}']));
  },
);

test("after the third time, that is the answer", async () => {
  const requests = answering(503);

  const status = post();
  await vi.runAllTimersAsync();

  expect(await status).toBe(503);
  expect(requests).toHaveLength(3);
});

test("no answer for the third time is none", async () => {
  answering("lost");

  const status = post();
  await vi.runAllTimersAsync();

  expect(await status).toBe("TypeError");
});

test.each([400, 401, 409, 422, 429, 500])("a %i is an answer", async status => {
  const requests = answering(status);

  expect(await post()).toBe(status);
  expect(requests).toHaveLength(1);
});

test("the pauses are of a random length, and the second may be twice as long", async () => {
  const requests = answering(503, 503, 201);

  void post();
  for (const [milliseconds, sent] of [
    [249, 1],
    [1, 2],
    [499, 2],
    [1, 3],
  ] as const) {
    await vi.advanceTimersByTimeAsync(milliseconds);
    expect(requests).toHaveLength(sent);
  }
});

test("it waits for as long as the server asks for, and a little more", async () => {
  const requests = answering({ status: 503, after: "2" }, 201);

  void post();
  await vi.advanceTimersByTimeAsync(2249);
  expect(requests).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(requests).toHaveLength(2);
});

test("the server may name a time", async () => {
  const requests = answering({ status: 503, after: new Date(Date.now() + 3000).toUTCString() }, 201);

  void post();
  await vi.advanceTimersByTimeAsync(1900);
  expect(requests).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1500);
  expect(requests).toHaveLength(2);
});

test("a wait that is too long is left to the person", async () => {
  const requests = answering({ status: 503, after: "3600" });

  expect(await post()).toBe(503);
  expect(requests).toHaveLength(1);
});

test("offline it fails at once", async () => {
  const requests = answering("lost");
  vi.stubGlobal("navigator", { onLine: false });

  expect(await post()).toBe("TypeError");
  expect(requests).toHaveLength(1);
});

test("who leaves meanwhile has nothing sent again", async () => {
  const requests = answering(503);
  const leaving = new AbortController();

  const status = post({ signal: leaving.signal });
  await vi.advanceTimersByTimeAsync(10);
  leaving.abort();
  await vi.runAllTimersAsync();

  expect(await status).toBe("AbortError");
  expect(requests).toHaveLength(1);
});

test("a file is sent again whole", async () => {
  const requests = answering("lost", 202);
  const form = new FormData();
  form.append("file", new Blob(["name\nAda"]), "contacts.csv");

  const status = post({ body: form });
  await vi.runAllTimersAsync();
  expect(await status).toBe(202);

  const [one, other] = await Promise.all(requests.map(request => request.text()));
  expect(other).toContain("name\nAda");
  expect(other).toBe(one);
});
