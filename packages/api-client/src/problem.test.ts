import { expect, test, vi } from "vitest";
import { api, body, Problem } from "./index";

const answer = (status: number, content: string, headers: Record<string, string>) =>
  vi.stubGlobal("fetch", async () => new Response(content, { status, headers }));

test("a problem document is thrown with its code, fields and correlation id", async () => {
  const document = {
    title: "Conflict",
    status: 409,
    detail: "Another contact has this address.",
    code: "contacts.email_taken",
    correlation_id: "abc-123",
    errors: [{ field: "email", message: "Taken." }, "noise"],
    contact: "0190",
  };
  answer(409, JSON.stringify(document), { "content-type": "application/problem+json" });

  const thrown = await body(api.GET("/api/app")).catch(error => error);

  expect(thrown).toBeInstanceOf(Problem);
  expect(thrown).toMatchObject({
    status: 409,
    code: "contacts.email_taken",
    message: "Another contact has this address.",
    correlationId: "abc-123",
    errors: [{ field: "email", message: "Taken." }],
    members: { contact: "0190" },
    isPassing: false,
  });
});

test("an answer that is no problem document still says what the log calls the request", async () => {
  answer(502, "<h1>Bad Gateway</h1>", { "content-type": "text/html", "x-correlation-id": "from-header" });

  const thrown = await body(api.GET("/api/app")).catch(error => error);

  expect(thrown).toMatchObject({
    status: 502,
    code: "http.502",
    correlationId: "from-header",
    isPassing: true,
  });
});

test("a body that claims to be JSON and is not does not hide the failure", async () => {
  answer(500, "{", { "content-type": "application/problem+json" });

  await expect(body(api.GET("/api/app"))).rejects.toMatchObject({ status: 500, code: "http.500" });
});

test("no answer at all is a problem that may pass", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("Failed to fetch");
  });

  await expect(body(api.GET("/api/app"))).rejects.toMatchObject({ status: 0, isPassing: true });
});

test("an aborted request is not reported as an unreachable server", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new DOMException("stopped", "AbortError");
  });

  await expect(body(api.GET("/api/app"))).rejects.toMatchObject({ name: "AbortError" });
});

test("a successful answer is its body", async () => {
  answer(200, JSON.stringify({ name: "Seamark" }), { "content-type": "application/json" });

  expect(await body(api.GET("/api/app"))).toEqual({ name: "Seamark" });
});

test("what changes something is sent with an idempotency key", async () => {
  const keys: (string | null)[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    keys.push(request.headers.get("idempotency-key"));
    return new Response(null, { status: 204 });
  });

  await api.POST("/api/notifications/read");
  await api.GET("/api/app");

  expect(keys).toEqual([expect.stringMatching(/^"[^"]{32,}"$/), null]);
});
