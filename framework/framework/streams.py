"""Streaming responses: which routes stream, and what they must not take."""

import inspect
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.responses import StreamingResponse
from starlette.routing import BaseRoute

from framework.request_session import request_session


def is_stream(route: BaseRoute) -> bool:
    """Whether this route answers with a stream: a generator, or a ``StreamingResponse`` as declared class or return type."""
    endpoint: Any = getattr(route, "endpoint", None)
    if inspect.isasyncgenfunction(endpoint) or inspect.isgeneratorfunction(endpoint):
        return True
    candidates = (getattr(route, "response_class", None), _returned(endpoint))
    return any(isinstance(candidate, type) and issubclass(candidate, StreamingResponse) for candidate in candidates)


def _returned(endpoint: Any) -> Any:
    try:
        return inspect.signature(endpoint, eval_str=True).return_annotation
    except (NameError, TypeError, ValueError):
        # A name that only the type checker knows, or nothing that has a signature.
        return None


def takes_session(route: BaseRoute) -> bool:
    dependant: Any = getattr(route, "dependant", None)
    return isinstance(dependant, Dependant) and is_stream(route) and uses_session(dependant)


def uses_session(dependant: Dependant) -> bool:
    return dependant.call is request_session or any(uses_session(child) for child in dependant.dependencies)
