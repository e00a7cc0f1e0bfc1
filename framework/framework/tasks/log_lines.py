"""What a task logs while it runs, to be read beside it where no log store is at hand."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from structlog.typing import EventDict

from framework.logging import listener, to_json
from framework.tasks.failures import describe_briefly
from framework.tasks.masking import masked
from framework.tasks.plain import plain, text

MOST_LINES = 200
LONGEST_FIELDS = 4000
LEVELS = ("info", "warning", "error", "critical")
# Columns of their own, and what every line of the task has.
APART = {"event", "level", "timestamp", "correlation_id", "exc_info"}


class LogLines:
    """Of one attempt: the first lines, down to ``info``; what comes after them is counted."""

    def __init__(self) -> None:
        self._lines: list[dict[str, Any]] = []
        self._kept = 0

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keeps what is logged in the block, and in what it starts."""
        token = listener.set(self._add)
        try:
            yield
        finally:
            listener.reset(token)

    def take(self) -> str | None:
        """What has come since, as JSON."""
        if not self._lines:
            return None
        lines, self._lines = self._lines, []
        return to_json(lines).decode()

    def _add(self, event: EventDict) -> None:
        level = event.get("level", "")
        if level not in LEVELS or self._kept > MOST_LINES:
            return
        self._kept += 1
        at = datetime.now(UTC).isoformat()
        if self._kept > MOST_LINES:
            said, fields = f"only the first {MOST_LINES} lines are kept", {}
        else:
            said, fields = text(str(event.get("event", ""))), _fields(event)
        self._lines.append({"at": at, "level": level, "event": said, "fields": fields})


def _fields(event: EventDict) -> dict[str, Any]:
    fields = {name: value for name, value in event.items() if name not in APART}
    if error := _error(event.get("exc_info")):
        fields["error"] = describe_briefly(error)
    shown: dict[str, Any] = masked(plain(fields))
    written = to_json(shown)
    return shown if len(written) <= LONGEST_FIELDS else {"cut": written[:LONGEST_FIELDS].decode(errors="ignore")}


def _error(exc_info: Any) -> BaseException | None:
    match exc_info:
        case True:
            return sys.exception()
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case _:
            return None
