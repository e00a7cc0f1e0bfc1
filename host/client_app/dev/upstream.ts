import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Plugin } from "vite";

interface UpstreamOptions {
  /** Where the web process listens; unset outside `sm dev` (a plain `vite build` needs no upstream). */
  url: string | undefined;
  base?: string;
  /** How long a request is held while the web process restarts, in milliseconds. */
  holdFor?: number;
  /** How long a page waits for its first byte, in milliseconds; other requests wait as long as a debugger needs. */
  silentFor?: number;
}

const GIVING_UP =
  "The web process is not answering; look at its log lines in the terminal that runs the development server.\n";
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"];

/**
 * Passes everything that is not one of Vite's own assets to the web process, and holds requests while that
 * process restarts. Registered before Vite's middleware, so that no page is ever answered by Vite.
 */
export function upstream({
  url,
  base = "/build/",
  holdFor = 15_000,
  silentFor = 30_000,
}: UpstreamOptions): Plugin {
  return {
    name: "seamark:upstream",
    apply: "serve",
    configureServer(server) {
      if (!url) return;
      const target = new URL(url);
      server.printUrls = () => {}; // The address to open is the whole application's; `sm dev` says it.
      const isOurs = (path = "/") => !path.startsWith(base);

      server.middlewares.use((req, res, next) => {
        if (isOurs(req.url)) void passRequest(target, req, res, holdFor, silentFor);
        else next();
      });
      server.httpServer?.on("upgrade", (req: IncomingMessage, socket: Socket, head: Buffer) => {
        if (isOurs(req.url)) void passUpgrade(target, req, socket, head, holdFor);
      });
    },
  };
}

async function passRequest(
  target: URL,
  req: IncomingMessage,
  res: ServerResponse,
  holdFor: number,
  silentFor: number,
) {
  const deadline = Date.now() + holdFor;
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  // Only a request without a body can be sent twice: the process may die between accepting and answering.
  const repeatable = req.method === "GET" || req.method === "HEAD";

  for (;;) {
    const socket = await connectBefore(target, deadline, gone.signal);
    if (gone.signal.aborted) {
      socket?.destroy();
      return;
    }
    if (!socket) break;
    // A reloading server's parent keeps the port open, so a process that cannot start looks connected but mute.
    if (req.headers["sec-fetch-mode"] === "navigate") socket.setTimeout(silentFor);
    const outcome = await exchange(socket, req, res);
    if (outcome === "answered") return;
    if (!repeatable || outcome === "silent") break;
    await delay(100);
  }
  if (res.headersSent || res.destroyed) return;
  res.writeHead(502, {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "retry-after": "2",
  });
  res.end(GIVING_UP);
}

/** One attempt on a fresh connection. */
function exchange(socket: Socket, req: IncomingMessage, res: ServerResponse) {
  return new Promise<"answered" | "broken" | "silent">(resolve => {
    const outgoing = request({
      createConnection: () => socket,
      method: req.method,
      path: req.url,
      headers: { ...forwarded(req), connection: "close" },
      setHost: false,
    });
    const leave = () => outgoing.destroy();
    res.once("close", leave);
    outgoing.once("close", () => res.off("close", leave));
    socket.once("timeout", () => {
      resolve("silent");
      outgoing.destroy();
    });
    outgoing.once("error", () => resolve("broken"));
    outgoing.once("response", answer => {
      socket.setTimeout(0); // An event stream may be quiet for as long as it likes.
      res.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers));
      res.flushHeaders();
      answer.pipe(res);
      answer.once("error", () => res.destroy());
      resolve("answered");
    });
    req.pipe(outgoing);
  });
}

async function passUpgrade(target: URL, req: IncomingMessage, client: Socket, head: Buffer, holdFor: number) {
  client.on("error", () => client.destroy());
  const upstream = await connectBefore(target, Date.now() + holdFor);
  if (!upstream || client.destroyed) {
    upstream?.destroy();
    client.destroy();
    return;
  }
  const lines = [`${req.method} ${req.url} HTTP/1.1`];
  for (let i = 0; i < req.rawHeaders.length; i += 2)
    lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`);
  upstream.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (head.length > 0) upstream.write(head);
  upstream.on("error", () => client.destroy());
  upstream.pipe(client).pipe(upstream);
  client.once("close", () => upstream.destroy());
  upstream.once("close", () => client.destroy());
}

/** Connects, trying again while the connection is refused; undefined when the deadline passed or the caller left. */
async function connectBefore(
  target: URL,
  deadline: number,
  signal?: AbortSignal,
): Promise<Socket | undefined> {
  while (!signal?.aborted) {
    const socket = await new Promise<Socket | undefined>(resolve => {
      const attempt = connect({ host: target.hostname, port: Number(target.port) });
      attempt.setNoDelay(true);
      attempt.once("connect", () => resolve(attempt));
      attempt.once("error", () => resolve(undefined));
    });
    if (socket) return socket;
    if (Date.now() > deadline) return undefined;
    await delay(100);
  }
  return undefined;
}

function forwarded(req: IncomingMessage): OutgoingHttpHeaders {
  const peer = req.socket.remoteAddress ?? "127.0.0.1";
  const before = req.headers["x-forwarded-for"];
  return {
    ...endToEnd(req.headers),
    "x-forwarded-for": before ? `${before}, ${peer}` : peer,
    "x-forwarded-proto": req.headers["x-forwarded-proto"] ?? "http",
  };
}

function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}
