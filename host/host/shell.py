"""The one HTML page: every path of the browser application gets it, with its own nonce (CSP level 3)."""

import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
<body><div id="root">{text}</div><noscript>This application needs JavaScript.</noscript></body>
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

NOT_BUILT = "The browser application is not built (SM016): npm ci &amp;&amp; npm run build"


@dataclass(frozen=True, slots=True)
class Assets:
    """What a page of the built application loads."""

    script: str
    styles: tuple[str, ...]
    preloads: tuple[str, ...]


@cache
def built_assets() -> Assets | None:
    """What Vite's manifest says the entry needs; ``None`` when nothing is built. Read once: a new build is a new release."""
    try:
        manifest = orjson.loads(MANIFEST.read_bytes())
        chunks = _with_imports(manifest, ENTRY)
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
        return None
    entry, *imported = chunks
    styles = [css for chunk in chunks for css in chunk.get("css", ())]
    return Assets(entry["file"], tuple(dict.fromkeys(styles)), tuple(chunk["file"] for chunk in imported))


def _with_imports(manifest: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A chunk and all that it imports, directly or not, each once (Vite, "Backend Integration")."""
    found = {name: manifest[name]}
    waiting = [name]
    while waiting:
        for imported in manifest[waiting.pop()].get("imports", ()):
            if imported not in found:
                found[imported] = manifest[imported]
                waiting.append(imported)
    return list(found.values())


def page(settings: Settings, status: int = 200) -> HTMLResponse:
    """The shell; ``status`` 404 where no page is declared, so that crawlers and monitors see what people see."""
    nonce = secrets.token_urlsafe(18)
    head = _head(settings, nonce)
    body = PAGE.format(nonce=nonce, head=head or "", text=NOT_BUILT if head is None else "")
    headers = {"content-security-policy": content_security_policy(settings, nonce), "cache-control": "no-cache"}
    return HTMLResponse(body, status, headers)


def _head(settings: Settings, nonce: str) -> str | None:
    if settings.vite_url:
        return REFRESH.format(nonce=nonce)
    assets = built_assets()
    if assets is None:
        return None
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
