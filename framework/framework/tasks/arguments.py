"""A task's arguments: what its signature says, validated when it is enqueued and again when it starts."""

import inspect
from collections.abc import Callable
from typing import Any, NotRequired, TypedDict

from pydantic import ConfigDict, TypeAdapter


class Arguments:
    """The keyword-only parameters of ``function`` after its first ``skip``. Raises ``TypeError`` for any other kind."""

    def __init__(self, function: Callable[..., object], skip: int) -> None:
        fields: dict[str, Any] = {}
        self.required: list[str] = []
        for parameter in list(inspect.signature(function, eval_str=True).parameters.values())[skip:]:
            where = f"{function.__module__}.{function.__qualname__}, parameter {parameter.name!r}"
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                raise TypeError(f"{where}: a task's own parameters are keyword-only; put them behind a *")
            if parameter.annotation is inspect.Parameter.empty:
                raise TypeError(f"{where}: a task's parameters need types")
            if parameter.default is inspect.Parameter.empty:
                self.required.append(parameter.name)
                fields[parameter.name] = parameter.annotation
            else:
                fields[parameter.name] = NotRequired[parameter.annotation]
        typed_dict: Any = TypedDict  # made from a signature, which the type checker cannot follow
        shape = typed_dict(function.__name__, fields)
        shape.__pydantic_config__ = ConfigDict(extra="forbid")
        self._adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(shape)

    def dump(self, arguments: dict[str, Any]) -> str:
        """As JSON. Raises pydantic's ``ValidationError``."""
        return self._adapter.dump_json(self._adapter.validate_python(arguments)).decode()

    def load(self, stored: str) -> dict[str, Any]:
        """From JSON. Raises pydantic's ``ValidationError``: another release may have stored it."""
        return self._adapter.validate_json(stored)
