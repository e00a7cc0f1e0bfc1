import { answerApi, renderPage } from "@seamark/app/testing";
import { act, screen, waitFor } from "@testing-library/react";
import { Route, Routes } from "react-router";
import { beforeEach, expect, test, vi } from "vitest";
import ImportProgress from "./ImportProgress";
import { type Import, laterOf } from "./imports";

const job: Import = {
  id: "9",
  filename: "people.csv",
  status: "running",
  processed: 1000,
  total: null,
  created: 900,
  updated: 90,
  rejected: 10,
  encoding: "utf-8",
  message: null,
  started_by: null,
  created_at: "2026-01-01T00:00:00Z",
  finished_at: null,
};

/** The browser's side of a stream of events, for the test to hold the server's. */
class Stream extends EventTarget {
  static readonly CLOSED = 2;
  static opened: Stream[] = [];
  readyState = 1;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor() {
    super();
    Stream.opened.push(this);
  }

  close() {
    this.readyState = Stream.CLOSED;
  }

  send(event: string, data: Import) {
    act(() => void this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) })));
  }

  breakOff(readyState: number) {
    this.readyState = readyState;
    act(() => this.onerror?.());
  }
}

beforeEach(() => {
  Stream.opened = [];
  vi.stubGlobal("EventSource", Stream);
});

function draw(answers: Import[]) {
  let at = 0;
  answerApi({ "GET /api/contacts/imports/9": () => ({ json: answers[Math.min(at++, answers.length - 1)] }) });
  renderPage(
    <Routes>
      <Route path="/contacts/imports/:id" element={<ImportProgress />} />
    </Routes>,
    { at: "/contacts/imports/9" },
  );
}

async function stream(): Promise<Stream> {
  await waitFor(() => expect(Stream.opened).toHaveLength(1));
  return Stream.opened[0] as Stream;
}

test("the bar follows the events, without an end until the number of rows is known", async () => {
  draw([job]);
  const events = await stream();
  const bar = await screen.findByRole("progressbar");
  expect(bar.hasAttribute("value")).toBe(false);

  events.send("progress", { ...job, processed: 2500, total: 5000 });
  expect(await screen.findByText("2,500 of 5,000 rows")).toBeDefined();
  expect([bar.getAttribute("value"), bar.getAttribute("max")]).toEqual(["2500", "5000"]);
});

test("the end closes the stream and offers the rejected rows", async () => {
  draw([job]);
  const events = await stream();
  events.send("done", { ...job, status: "succeeded", processed: 5000, total: 5000 });

  expect(await screen.findByText("The import is complete.")).toBeDefined();
  expect(screen.queryByRole("progressbar")).toBeNull();
  expect(events.readyState).toBe(Stream.CLOSED);
  expect(screen.getByRole("link", { name: /Rejected rows/ }).getAttribute("href")).toBe(
    "/api/contacts/imports/9/rejected.csv",
  );
});

test("an interruption that the browser is mending says so, and nothing more", async () => {
  draw([job]);
  const events = await stream();
  events.breakOff(0);
  expect(screen.getByText("Reconnecting…")).toBeDefined();
  act(() => events.onopen?.());
  expect(screen.queryByText("Reconnecting…")).toBeNull();
});

test("when the browser gives the stream up, asking takes its place", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  draw([job, { ...job, status: "succeeded", rejected: 0 }]);
  const events = await stream();
  events.breakOff(Stream.CLOSED);
  await act(() => vi.advanceTimersByTimeAsync(3_000));

  expect(await screen.findByText("The import is complete.")).toBeDefined();
  vi.useRealTimers();
});

test("an import that is over opens no stream", async () => {
  draw([{ ...job, status: "cancelled" }]);
  expect(await screen.findByText("The import was stopped. What it had done by then stays.")).toBeDefined();
  expect(Stream.opened).toEqual([]);
});

test("a file that is not UTF-8 says how it was read", async () => {
  draw([{ ...job, status: "succeeded", encoding: "Latin-1" }]);
  expect(await screen.findByText("This file is not UTF-8; it was read as Latin-1.")).toBeDefined();
});

test("a late answer does not bring a finished import back to life", () => {
  const done: Import = { ...job, status: "succeeded" };
  expect(laterOf(done, job)).toBe(done);
  expect(laterOf(job, done)).toBe(done);
  expect(laterOf(undefined, job)).toBe(job);
});

test("one that failed may go on", () => {
  expect(laterOf({ ...job, status: "failed" }, job)).toBe(job);
});
