"""A task's arguments: what its signature says, validated when it is enqueued and again when it starts."""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NotRequired, TypedDict

import orjson
from pydantic import ConfigDict, Secret, SecretBytes, SecretStr, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import to_json

from framework.tasks.masking import MASK, masked
from framework.tasks.plain import UNSTORABLE, holds_nul


class ArgumentsError(ValueError):
    """Says which task and which of its parameters, and no values: they may be secret, or somebody's data."""

    def __init__(self, task: str, problems: dict[str, str]) -> None:
        self.problems = problems
        """By parameter; ``a.b`` is the field ``b`` of the parameter ``a``."""
        super().__init__(f"task {task}: {'; '.join(f'{where}: {what}' for where, what in problems.items())}")


class Arguments:
    """The keyword-only parameters of ``function`` after its first ``skip``. Raises ``TypeError`` for any other kind."""

    def __init__(self, task: str, function: Callable[..., object], skip: int) -> None:
        self._task = task
        fields: dict[str, Any] = {}
        self.required: list[str] = []
        self.defaults: dict[str, Any] = {}
        for parameter in list(inspect.signature(function, eval_str=True).parameters.values())[skip:]:
            where = f"task {task} ({function.__module__}.{function.__qualname__}), parameter {parameter.name!r}"
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                raise TypeError(f"{where}: a task's own parameters are keyword-only; put them behind a *")
            if parameter.annotation is inspect.Parameter.empty:
                raise TypeError(f"{where}: a task's parameters need types")
            if parameter.default is inspect.Parameter.empty:
                self.required.append(parameter.name)
                fields[parameter.name] = parameter.annotation
            else:
                self.defaults[parameter.name] = parameter.default
                fields[parameter.name] = NotRequired[parameter.annotation]
        typed_dict: Any = TypedDict  # made from a signature, which the type checker cannot follow
        shape = typed_dict(function.__name__, fields)
        # JSON has no word for what is no finite number.
        shape.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)
        self._adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(shape)

    @property
    def names(self) -> set[str]:
        return {*self.required, *self.defaults}

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Those that were given, each as its type. Raises ``ArgumentsError``."""
        try:
            return self._adapter.validate_python(arguments)
        except ValidationError as error:
            raise ArgumentsError(self._task, _problems(error)) from None

    def dump(self, validated: dict[str, Any]) -> str:
        """As JSON, secrets in plain: the task needs them. Raises ``ArgumentsError`` for what Postgres cannot store."""
        if (stored := self._storable(validated)) is not None:
            return stored
        names = [name for name, value in validated.items() if self._storable({name: value}) is None]
        raise ArgumentsError(self._task, dict.fromkeys(names, UNSTORABLE))

    def _storable(self, validated: dict[str, Any]) -> str | None:
        try:
            stored = self._json(validated)
        except ValueError:
            return None
        return None if holds_nul(stored) else stored

    def _json(self, validated: dict[str, Any]) -> str:
        if not self._may_hold_secrets:
            return self._adapter.dump_json(validated).decode()
        shown = self._adapter.dump_python(validated, mode="json")
        return to_json(_revealed(shown, self._adapter.dump_python(validated))).decode()

    def load(self, stored: str) -> dict[str, Any]:
        """From JSON. Raises ``ArgumentsError``: another release may have stored it."""
        try:
            return self._adapter.validate_json(stored)
        except ValidationError as error:
            raise ArgumentsError(self._task, _problems(error)) from None

    def mask(self, stored: str) -> dict[str, Any]:
        """For people: without what its type or its name says is secret."""
        try:
            shown = self._adapter.dump_python(self._adapter.validate_json(stored), mode="json")
        except ValidationError:
            # Another release's: nothing here knows which of its values are secret.
            shown = dict.fromkeys(orjson.loads(stored), MASK)
        return dict(masked(shown))

    @cached_property
    def _may_hold_secrets(self) -> bool:
        """However deep: pydantic's schema marks them. Knowing it saves the others the second dump."""
        try:
            return b'"writeOnly":true' in orjson.dumps(self._adapter.json_schema())
        except PydanticInvalidForJsonSchema:
            return True


def _problems(error: ValidationError) -> dict[str, str]:
    return {
        ".".join(map(str, problem["loc"])): problem["msg"]
        for problem in error.errors(include_input=False, include_url=False, include_context=False)
    }


def _revealed(shown: Any, value: Any) -> Any:
    """``shown``, which is ``value`` as JSON, with the secrets of ``value``."""
    match value:
        case SecretStr() | SecretBytes() | Secret():
            return value.get_secret_value()
        case dict() if isinstance(shown, dict):
            inner = zip(shown.items(), value.values(), strict=True)
            return {name: _revealed(below, secret) for (name, below), secret in inner}
        case list() | tuple() | set() | frozenset() if isinstance(shown, list):
            return [_revealed(below, secret) for below, secret in zip(shown, value, strict=True)]
        case _:
            return shown
