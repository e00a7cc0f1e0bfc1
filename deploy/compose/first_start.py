"""Makes what an installation needs and nobody should have to write: a key, passwords, a certificate.

Runs before everything else at each start. What is there stays as it is, so that sessions and data survive.
"""

import os
import secrets
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

HOME = Path("/srv/seamark")
KEY = HOME / "secrets/sm_secret_key"
DATABASE_URL = HOME / "secrets/sm_database_url"
PASSWORD = HOME / "database/password"
REDIS_URL = HOME / "secrets/sm_redis_url"
REDIS = HOME / "broker/redis.conf"
CERTIFICATE = HOME / "certificate/fullchain.pem"
PRIVATE_KEY = HOME / "certificate/privkey.pem"
REDIRECT = HOME / "origin/redirect.conf"
YEARS = 10


def main() -> None:
    origin = os.environ["SM_PUBLIC_URL"]
    once(KEY, secrets.token_urlsafe(48), 0o400)
    # In volumes of their own, which only Postgres and only Redis have beside this; they read them as another user.
    once(PASSWORD, secrets.token_urlsafe(32), 0o444)
    once(REDIS, f"requirepass {secrets.token_urlsafe(32)}\n", 0o444)
    put(DATABASE_URL, f"postgresql+asyncpg://seamark:{PASSWORD.read_text()}@postgres:5432/seamark", 0o400)
    put(REDIS_URL, f"redis://:{REDIS.read_text().split()[1]}@redis:6379/0", 0o400)
    put(REDIRECT, f"return 308 {origin}$request_uri;\n", 0o400)
    if not CERTIFICATE.exists():
        make_certificate(urlsplit(origin).hostname or "localhost")


def once(path: Path, content: str, mode: int) -> None:
    if not path.exists():
        put(path, content, mode)


def put(path: Path, content: str, mode: int) -> None:
    """As a whole or not at all, whenever this is interrupted."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(content)
    new.chmod(mode)
    new.replace(path)


def make_certificate(name: str) -> None:
    """Of nobody but itself, so browsers ask whether to trust it: docs/containers.md says how to use one of your own."""
    made = CERTIFICATE.with_suffix(".new")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
            *("-days", str(YEARS * 365), "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative(name)}"),
            *("-keyout", str(PRIVATE_KEY), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    made.replace(CERTIFICATE)


def alternative(name: str) -> str:
    return f"IP:{name}" if ":" in name or name.replace(".", "").isdigit() else f"DNS:{name}"


if __name__ == "__main__":
    main()
