// @vitest-environment node
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { ViteDevServer } from "vite";
import { afterEach, expect, test } from "vitest";
import { upstream } from "./upstream.ts";

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const running: Server[] = [];
afterEach(() => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(handler: Handler, port = 0): Promise<Server> {
  const server = createServer(handler);
  running.push(server);
  await new Promise<void>(resolve => server.listen(port, "127.0.0.1", resolve));
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** The plugin in front of `port`, with an answer of its own in the place of Vite's. */
async function frontOf(port: number, holdFor = 5_000): Promise<string> {
  let middleware: (req: IncomingMessage, res: ServerResponse, next: () => void) => void = () => {};
  const front = await listen((req, res) => middleware(req, res, () => res.end("vite")));
  const plugin = upstream({ url: `http://127.0.0.1:${port}`, holdFor });
  const server = {
    middlewares: { use: (added: typeof middleware) => (middleware = added) },
    httpServer: front,
  };
  (plugin.configureServer as (server: ViteDevServer) => void)(server as unknown as ViteDevServer);
  return `http://127.0.0.1:${portOf(front)}`;
}

async function freePort(): Promise<number> {
  const server = await listen(() => {});
  const port = portOf(server);
  await new Promise(resolve => server.close(resolve));
  return port;
}

test("Vite answers for its own assets and the web process for everything else", async () => {
  const app = await listen((req, res) => res.end(`app ${req.url}`));
  const front = await frontOf(portOf(app));
  expect(await (await fetch(`${front}/build/src/main.tsx`)).text()).toBe("vite");
  expect(await (await fetch(`${front}/buildings?q=1`)).text()).toBe("app /buildings?q=1");
});

test("the web process sees the browser's Host and where the request came from", async () => {
  const app = await listen((req, res) => res.end(JSON.stringify(req.headers)));
  const front = await frontOf(portOf(app));
  const seen = await (await fetch(`${front}/`)).json();
  expect(seen).toMatchObject({
    host: new URL(front).host,
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
  });
});

test("requests wait for a web process that is starting, with their bodies", async () => {
  const port = await freePort();
  const front = await frontOf(port);
  const answers = [fetch(`${front}/`), fetch(`${front}/`, { method: "POST", body: "kept" })];
  await listen((req, res) => void req.pipe(res), port);
  expect(await Promise.all(answers.map(async answer => (await answer).text()))).toEqual(["", "kept"]);
});

test("a request for reading is repeated when the web process dies on it", async () => {
  let asked = 0;
  const app = await listen((req, res) => {
    asked += 1;
    if (asked === 1) req.socket.destroy();
    else res.end("answered");
  });
  const front = await frontOf(portOf(app));
  expect(await (await fetch(`${front}/`)).text()).toBe("answered");
});

test("a change is not repeated when the web process dies on it", async () => {
  let asked = 0;
  const app = await listen(req => {
    asked += 1;
    req.socket.destroy();
  });
  const front = await frontOf(portOf(app));
  expect((await fetch(`${front}/`, { method: "POST", body: "x" })).status).toBe(502);
  expect(asked).toBe(1);
});

test("a web process that stays away is named in plain words", async () => {
  const front = await frontOf(await freePort(), 0);
  const answer = await fetch(`${front}/contacts`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([502, "text/plain; charset=utf-8"]);
  expect(await answer.text()).toContain("look at its log lines");
});

test("events pass as they happen", async () => {
  let more = () => {};
  const app = await listen((_, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.write("data: one\n\n");
    more = () => res.end("data: two\n\n");
  });
  const front = await frontOf(portOf(app));
  const reader = (await fetch(`${front}/events`)).body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe("data: one\n\n"); // The second is not sent before this has arrived.
  more();
  expect((await reader?.read())?.value).toBe("data: two\n\n");
});

test("a browser that leaves takes its request to the web process along", async () => {
  let left: Promise<unknown> = Promise.resolve();
  const arrived = new Promise<void>(resolve => {
    void listen((req, res) => {
      left = new Promise(gone => req.once("close", gone));
      res.flushHeaders();
      resolve();
    }).then(async app => {
      const browser = request(`${await frontOf(portOf(app))}/events`, () => browser.destroy());
      browser.on("error", () => {}).end();
    });
  });
  await arrived;
  await left;
});

test("a WebSocket passes both ways", async () => {
  const app = await listen(() => {});
  app.on("upgrade", (_, socket: Socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.pipe(socket);
  });
  const front = await frontOf(portOf(app));
  const echoed = await new Promise<string>((resolve, reject) => {
    const opening = request(`${front}/live`, { headers: { connection: "Upgrade", upgrade: "websocket" } });
    opening.once("error", reject);
    opening.once("upgrade", (_, socket) => {
      socket.once("data", data => {
        socket.destroy();
        resolve(data.toString());
      });
      socket.write("hello");
    });
    opening.end();
  });
  expect(echoed).toBe("hello");
});
