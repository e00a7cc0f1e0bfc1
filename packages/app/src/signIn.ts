/** Pages of the module that authenticates; the shell sends people there. */
export const SIGN_IN = "/users/sign-in";
export const PROFILE = "/users/profile";

/** The sign-in page that leads back to `from`. */
export function signInPath(from: string): string {
  return from === "/" || from.startsWith(SIGN_IN) ? SIGN_IN : `${SIGN_IN}?next=${encodeURIComponent(from)}`;
}

/** Where to go after signing in: a path of this origin, whatever a link's author wrote into `next`. */
export function safeNext(next: string | null, origin = window.location.origin): string {
  if (!next?.startsWith("/") || !URL.canParse(next, origin)) return "/";
  // Parsed as the browser will parse it: "//elsewhere" and "/\elsewhere" are other origins.
  const url = new URL(next, origin);
  if (url.origin !== origin || url.pathname.startsWith(SIGN_IN)) return "/";
  return url.pathname + url.search + url.hash;
}
