"""What a person reads when everything runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from host.dev.console import BOLD, GREEN, GREY, Console


@dataclass(frozen=True)
class Credentials:
    """Of the administrator that this start has created. On the terminal once, and nowhere else."""

    email: str
    password: str


@dataclass(frozen=True)
class Banner:
    address: str
    seconds: float
    credentials: Credentials | None
    server_log: Path | None
    debuggers: Mapping[str, int]

    def show(self, console: Console) -> None:
        console.raw()
        console.raw(
            f"  {console.paint('Seamark is running', BOLD)} {console.paint(f'(ready in {self.seconds:.1f} s)', GREY)}"
        )
        console.raw()
        for label, value in self._rows(console):
            console.raw(f"    {label:<12}{value}")
        console.raw()

    def _rows(self, console: Console) -> Iterator[tuple[str, str]]:
        yield "Address", console.paint(self.address, f"{BOLD};{GREEN}")
        if self.credentials is None:
            yield "Sign in", "with your account; uv run sm create-admin makes another"
        else:
            yield "E-mail", self.credentials.email
            once = console.paint("(shown only now)", GREY)
            yield "Password", f"{console.paint(self.credentials.password, BOLD)}  {once}"
        for name, port in self.debuggers.items():
            yield "Debugger", f"{name} listens on 127.0.0.1:{port}"
        yield "Database", "uv run sm psql"
        if self.server_log is not None:
            yield "", console.paint(f"log: {self.server_log}", GREY)
        yield "Start over", "uv run sm dev reset"
        yield "Stop", "Ctrl-C"
