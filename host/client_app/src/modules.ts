import type { FrontendModule } from "@seamark/app";

type Loader = () => Promise<{ default: FrontendModule }>;

const loaders = new Map<string, Loader>();
for (const [path, load] of Object.entries(
  import.meta.glob<{ default: FrontendModule }>("../../../modules/*/frontend/module.tsx"),
)) {
  const name = path.match(/modules\/([^/]+)\/frontend/)?.[1];
  if (name) loaders.set(name, load);
}

const loading = new Map<string, Promise<FrontendModule | null>>();

/** A module's pages and cards, loaded once and only when asked for; null for one that has nothing for the browser. */
export function loadModule(name: string): Promise<FrontendModule | null> {
  const known = loading.get(name);
  if (known) return known;
  const load = loaders.get(name);
  const promise = load ? load().then(loaded => loaded.default) : Promise.resolve(null);
  loading.set(name, promise);
  // A failed load (the server was away) may be tried again.
  promise.catch(() => loading.delete(name));
  return promise;
}

/** Modules own the paths below their name, so the first segment says whose page it is. */
export const moduleOf = (pathname: string): string => pathname.split("/")[1] ?? "";

/** The manifest's `/contacts/{id}` as the router writes it. */
export const routePath = (page: string): string => page.replaceAll(/\{(\w+)\}/g, ":$1");
