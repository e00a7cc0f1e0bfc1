const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const KEY = "Idempotency-Key";
/** Milliseconds up to which the first repetition is put off, by chance; twice that for the second. */
const BASE = 500;
const REPETITIONS = 2;
/** Milliseconds: whoever is to wait longer than that should know of it. */
const PATIENCE = 10_000;

/**
 * Sends a request. One that changes something carries an idempotency key, so that it takes effect once however often it
 * arrives; where its answer was lost or put off, it is sent again with the same key. Rejects as `fetch` does.
 */
export async function send(request: Request): Promise<Response> {
  if (SAFE.has(request.method)) return fetch(request);
  if (!request.headers.has(KEY)) request.headers.set(KEY, `"${newKey()}"`);
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const response = await fetch(request.clone()).catch(error => {
      if (request.signal.aborted || globalThis.navigator?.onLine === false) throw error;
      return undefined;
    });
    if (response && !mayPass(response)) return response;
    const asked = response ? retryAfter(response) : 0;
    if (response && asked > PATIENCE) return response;
    // Full jitter: those that were turned away together do not come back together.
    await pause(asked + Math.random() * BASE * 2 ** repetition, request.signal);
  }
  return fetch(request);
}

/** Nobody answered for the server, or it says when to ask again: overloaded, or still at work on this very request. */
function mayPass({ status, headers }: Response): boolean {
  return status === 502 || status === 503 || status === 504 || (status === 409 && headers.has("retry-after"));
}

/** Milliseconds (RFC 9110, 10.2.3); 0 where it is not said. */
function retryAfter(response: Response): number {
  const said = response.headers.get("retry-after") ?? "";
  const milliseconds = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Math.max(0, milliseconds || 0);
}

/** Rejects when the request is given up meanwhile. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    }, milliseconds);
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp);
  });
}

/** Browsers have `randomUUID` by https and on localhost only. */
function newKey(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
