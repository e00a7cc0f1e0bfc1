"""The one HTML page: every path of the browser application gets it, with its own nonce (CSP level 3)."""

import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson
from framework.settings import Settings
from starlette.responses import HTMLResponse

DIST = Path(__file__).parents[1] / "client_app" / "dist"
MANIFEST = DIST / ".vite" / "manifest.json"
ENTRY = "src/main.tsx"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta property="csp-nonce" nonce="{nonce}">
<title>Seamark</title>
<link rel="icon" href="/build/favicon.svg" type="image/svg+xml">
{head}
</head>
<body><div id="root"></div><noscript>This application needs JavaScript.</noscript></body>
</html>
"""

# Vite's React plugin wants this before the first component; it is what its own HTML would hold.
REFRESH = """<script type="module" nonce="{nonce}">
import {{ injectIntoGlobalHook }} from "/build/@react-refresh";
injectIntoGlobalHook(window);
window.$RefreshReg$ = () => {{}};
window.$RefreshSig$ = () => (type) => type;
</script>
<script type="module" nonce="{nonce}" src="/build/@vite/client"></script>
<script type="module" nonce="{nonce}" src="/build/src/main.tsx"></script>"""

NOT_BUILT = """<style nonce="{nonce}">body {{ font: 1rem/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }}</style>
<meta name="description" content="SM016: the browser application is not built; npm ci and npm run build make it">"""


@dataclass(frozen=True, slots=True)
class Assets:
    """What a page of the built application loads."""

    script: str
    styles: tuple[str, ...]
    preloads: tuple[str, ...]


@cache
def built_assets() -> Assets | None:
    """The entry of Vite's manifest; ``None`` when nothing is built. Read once: a new build is a new release."""
    if not MANIFEST.is_file():
        return None
    manifest = orjson.loads(MANIFEST.read_bytes())
    entry = manifest[ENTRY]
    imported = [manifest[name] for name in entry.get("imports", ())]
    styles = [css for chunk in (entry, *imported) for css in chunk.get("css", ())]
    return Assets(entry["file"], tuple(dict.fromkeys(styles)), tuple(chunk["file"] for chunk in imported))


def page(settings: Settings, status: int = 200) -> HTMLResponse:
    """The shell; ``status`` 404 where no page is declared, so that crawlers and monitors see what people see."""
    nonce = secrets.token_urlsafe(18)
    body = PAGE.format(nonce=nonce, head=_head(settings, nonce))
    headers = {"content-security-policy": content_security_policy(settings, nonce), "cache-control": "no-cache"}
    return HTMLResponse(body, status, headers)


def _head(settings: Settings, nonce: str) -> str:
    if settings.vite_url:
        return REFRESH.format(nonce=nonce)
    assets = built_assets()
    if assets is None:
        return NOT_BUILT.format(nonce=nonce)
    lines = [f'<link rel="stylesheet" href="/build/{file}">' for file in assets.styles]
    lines += [f'<link rel="modulepreload" href="/build/{file}">' for file in assets.preloads]
    lines.append(f'<script type="module" nonce="{nonce}" src="/build/{assets.script}"></script>')
    return "\n".join(lines)


def content_security_policy(settings: Settings, nonce: str) -> str:
    """Strict: own origin and this page's nonce (ASVS 3.4.3). Vite's hot reload adds its own socket in development."""
    sockets = " ws: wss:" if settings.vite_url else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            f"connect-src 'self'{sockets}",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
