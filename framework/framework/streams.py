"""Streaming responses: which routes stream, and what they must not take."""

import inspect
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.responses import StreamingResponse
from starlette.routing import BaseRoute

from framework.database import _request_session


def is_stream(route: BaseRoute) -> bool:
    """Whether this route answers with a stream: a generator, or a ``StreamingResponse`` as declared class or return type."""
    endpoint = getattr(route, "endpoint", None)
    declared = getattr(route, "response_class", None)
    returned = inspect.signature(endpoint).return_annotation if endpoint else None
    candidates = (declared, returned)
    return inspect.isasyncgenfunction(endpoint) or any(
        isinstance(candidate, type) and issubclass(candidate, StreamingResponse) for candidate in candidates
    )


def takes_session(route: BaseRoute) -> bool:
    dependant: Any = getattr(route, "dependant", None)
    return isinstance(dependant, Dependant) and is_stream(route) and _uses_session(dependant)


def _uses_session(dependant: Dependant) -> bool:
    return dependant.call is _request_session or any(_uses_session(child) for child in dependant.dependencies)
