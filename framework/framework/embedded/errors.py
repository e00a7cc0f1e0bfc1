"""What can go wrong with an embedded server."""

import platform


class EmbeddedServerError(RuntimeError):
    """A server could not be started; the message says why and what to do."""


class MissingWheelError(EmbeddedServerError):
    """The wheel with a server's program is not installed, mostly because there is none for this machine."""

    def __init__(self, distribution: str) -> None:
        super().__init__(
            f"{distribution} is not installed (this is {platform.system()} on {platform.machine()}; it has programs for Linux with "
            "glibc and macOS, each on x86_64 and ARM).\n"
            "Use servers of your own: set SM_DATABASE_URL and SM_REDIS_URL, in the environment or in .env.\n"
            "`docker compose up -d postgres redis` starts a pair; .env.example has their addresses."
        )
