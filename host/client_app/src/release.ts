const KEY = "seamark.reloaded-at";
const NOT_AGAIN_WITHIN = 30_000;
let reloading = false;

/** What breaks from then on does so because this page has ended: nobody needs to be told. */
export const isReloading = () => reloading;

/**
 * A page that was open while a new release came out asks for files that are gone. Reloading gets the new
 * release; doing it once only keeps a file that is really missing from reloading for ever.
 */
export function reloadOnNewRelease() {
  window.addEventListener("vite:preloadError", event => {
    const last = Number(sessionStorage.getItem(KEY) ?? 0);
    if (Date.now() - last < NOT_AGAIN_WITHIN) return;
    event.preventDefault();
    reloading = true;
    sessionStorage.setItem(KEY, String(Date.now()));
    window.location.reload();
  });
}
