"""How a module declares a task: a decorated function, whose name and limits its worker needs and its caller does not."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from inspect import iscoroutinefunction, signature
from typing import Any, Concatenate, Generic, Protocol
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import ParamSpec

from framework.tasks import outbox
from framework.tasks.arguments import Arguments
from framework.tasks.outbox import Envelope
from framework.tasks.retry import RetryPolicy
from framework.tasks.run import TaskRun
from framework.tasks.tables import Priority, TaskState

# With a default, so that `Task` alone means a task of any arguments (PEP 696).
P = ParamSpec("P", default=...)
OnEnd = Callable[..., Awaitable[None]]
"""Called with ``(session, outcome, **arguments)``."""
DEFAULT_RETRY = RetryPolicy()
LONGEST_KEY = 500
# Workers are told their queues in a list with commas.
_is_queue = re.compile(r"[A-Za-z0-9_.-]+").fullmatch


class Outcome(StrEnum):
    """How a task ended, for its ``on_end``."""

    SUCCEEDED = TaskState.SUCCEEDED
    FAILED = TaskState.FAILED
    CANCELLED = TaskState.CANCELLED


@dataclass(frozen=True, eq=False, kw_only=True)
class Task(Generic[P]):
    """Made by ``@task`` and ``@step_task``; a module lists it in its manifest and calls ``enqueue``."""

    name: str
    function: Callable[..., Awaitable[Any]]
    arguments: Arguments
    cursor: TypeAdapter[Any] | None
    """How the cursor of a task with steps is stored; ``None`` for a task that is one step."""
    queue: str
    priority: Priority
    soft_limit: float
    hard_limit: float
    retry: RetryPolicy
    unique: Callable[..., str] | None
    retention: timedelta | None
    """How long it is kept once it has ended; ``None``: what the settings say."""
    external: bool
    """Its effect leaves the database, and so may happen twice."""
    on_end: OnEnd | None

    def __post_init__(self) -> None:
        if problems := "; ".join(self._problems()):
            raise ValueError(f"task {self.name}: {problems}")

    def _problems(self) -> Iterator[str]:
        if not self.name:
            yield "it needs a name, <module>.<what>"
        if not _is_queue(self.queue):
            yield f"the queue {self.queue!r} is no name of letters, digits, dots, hyphens and underscores"
        if not isinstance(self.priority, Priority):
            yield f"the priority is one of {', '.join(Priority.__members__)}"
        if not iscoroutinefunction(self.function):
            yield f"{self.function.__qualname__} is not `async def`"
        if not 0 < self.soft_limit < self.hard_limit:
            yield "the soft limit must be above 0 and below the hard one"
        if self.retention is not None and self.retention <= timedelta(0):
            yield "the retention must be above 0; leave it out for what the settings say"
        if foreign := [name for name in self._named_by_unique if name not in self.arguments.names]:
            yield f"`unique` asks for {', '.join(foreign)}, which is no parameter of the task"
        if self.on_end is not None:
            if not iscoroutinefunction(self.on_end):
                yield "`on_end` is not `async def`"
            try:
                for names in (self.arguments.names, self.arguments.required):
                    signature(self.on_end).bind(None, None, **dict.fromkeys(names))
            except TypeError as error:
                yield f"`on_end` is called with (session, outcome, **arguments): {error}"

    async def enqueue(self, session: AsyncSession, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Have it run once ``session``'s transaction has committed, and never when it rolls back. Returns its id.

        Costs one INSERT; no broker is asked. Raises ``ArgumentsError`` for wrong arguments.
        """
        return await self.configure().enqueue(session, *args, **kwargs)

    async def enqueue_many(self, session: AsyncSession, arguments: Sequence[Mapping[str, Any]]) -> list[UUID]:
        """As ``enqueue``, once for each item, in one statement. Returns their ids in the same order."""
        return await self.configure().enqueue_many(session, arguments)

    def configure(
        self,
        *,
        delay: timedelta | None = None,
        at: datetime | None = None,
        key: str | None = None,
        priority: Priority | None = None,
    ) -> "ConfiguredTask[P]":
        """``await task.configure(delay=timedelta(hours=1)).enqueue(session, …)``

        It starts ``delay`` after the transaction began, or not before ``at``; what is past means now. ``key`` and
        ``priority`` take the place of those it was declared with.
        """
        if delay is not None and at is not None:
            raise ValueError(f"task {self.name}: give `delay` or `at`, not both")
        if at is not None and at.utcoffset() is None:
            raise ValueError(f"task {self.name}: `at` needs a time zone: datetime.now(UTC) has one")
        if key is not None:
            self.check_key(key)
        urgency = self.priority if priority is None else Priority(priority)
        return ConfiguredTask(self, Envelope(self.name, self.queue, urgency, self.retention, delay, at), key)

    def unique_key(self, arguments: Mapping[str, Any]) -> str | None:
        """Of these arguments, as validated; ``None`` for a task that may wait any number of times."""
        if self.unique is None:
            return None
        given = {**self.arguments.defaults, **arguments}
        return self.check_key(self.unique(**{name: given[name] for name in self._named_by_unique}))

    def check_key(self, key: str) -> str:
        """Raises ``ValueError`` for what is no text, or none that an index can hold."""
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or "\0" in key:
            raise ValueError(
                f"task {self.name}: its key must be text of 1 to {LONGEST_KEY} characters, none of them NUL"
            )
        return key

    @cached_property
    def _named_by_unique(self) -> tuple[str, ...]:
        return tuple(signature(self.unique).parameters) if self.unique is not None else ()


@dataclass(frozen=True, slots=True)
class ConfiguredTask(Generic[P]):
    """A task and how it is enqueued this time: see ``Task.configure``."""

    task: Task[P]
    envelope: Envelope
    key: str | None

    async def enqueue(self, session: AsyncSession, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """See ``Task.enqueue``."""
        if args:
            raise TypeError(f"task {self.task.name}: pass arguments by name")
        return (await self._enqueue(session, [kwargs]))[0]

    async def enqueue_many(self, session: AsyncSession, arguments: Sequence[Mapping[str, Any]]) -> list[UUID]:
        """See ``Task.enqueue_many``."""
        if self.key is not None:
            raise ValueError(f"task {self.task.name}: one key for many would enqueue one; declare it with `unique`")
        return await self._enqueue(session, arguments)

    async def _enqueue(self, session: AsyncSession, arguments: Sequence[Mapping[str, Any]]) -> list[UUID]:
        validated = [self.task.arguments.validate(item) for item in arguments]
        stored = [self.task.arguments.dump(item) for item in validated]
        keys = [self.task.unique_key(item) if self.key is None else self.key for item in validated]
        return await outbox.add(session, self.envelope, stored, [key for key in keys if key is not None])


# Protocols, because a type checker settles the arguments of a plain `Callable` before it has seen the function.
class Declare(Protocol):
    def __call__[**F](self, function: Callable[Concatenate[TaskRun, F], Awaitable[None]], /) -> Task[F]: ...


class DeclareSteps[C](Protocol):
    def __call__[**F](
        self, function: Callable[Concatenate[TaskRun, C | None, F], Awaitable[C | None]], /
    ) -> Task[F]: ...


def task(
    name: str,
    *,
    queue: str = "default",
    priority: Priority = Priority.NORMAL,
    soft_limit: float = 60,
    hard_limit: float = 90,
    retry: RetryPolicy = DEFAULT_RETRY,
    unique: Callable[..., str] | None = None,
    retention: timedelta | None = None,
    external: bool = False,
    on_end: OnEnd | None = None,
) -> Declare:
    """Declare ``async def work(run: TaskRun, *, …) -> None`` as the task ``<module>.<what>``: one transaction, one effect.

    After ``soft_limit`` seconds it is cancelled where it awaits, after ``hard_limit`` its process is killed. When it
    raises it runs again, as ``retry`` says. ``unique`` makes a key of arguments that it names
    (``unique=lambda user_id: str(user_id)``): while a task with the same key waits or runs, enqueuing another returns
    that one's id and does nothing else. ``retention`` is how long it is kept once it has ended (unset: what the settings
    say). ``external`` says that its effect leaves the database (mail, HTTP), where it may happen twice:
    ``run.idempotency_key``. ``on_end`` is called with ``(session, outcome, **arguments)`` in the transaction that ends
    it, however it ends.
    """

    def declare[**F](function: Callable[Concatenate[TaskRun, F], Awaitable[None]]) -> Task[F]:
        return Task(
            name=name,
            function=function,
            arguments=Arguments(name, function, skip=1),
            cursor=None,
            queue=queue,
            priority=priority,
            soft_limit=soft_limit,
            hard_limit=hard_limit,
            retry=retry,
            unique=unique,
            retention=retention,
            external=external,
            on_end=on_end,
        )

    return declare


def step_task[C](
    name: str,
    *,
    cursor: type[C],
    queue: str = "default",
    priority: Priority = Priority.NORMAL,
    soft_limit: float = 60,
    hard_limit: float = 120,
    retry: RetryPolicy = DEFAULT_RETRY,
    unique: Callable[..., str] | None = None,
    retention: timedelta | None = None,
    external: bool = False,
    on_end: OnEnd | None = None,
) -> DeclareSteps[C]:
    """Declare a long task, called once for each step: ``async def work(run, cursor: C | None, *, …) -> C | None``.

    Each step is a transaction of its own, which stores the returned cursor along with the step's effect; the next step
    is given it, on whichever worker and after whatever happened. ``None`` begins, and ends. ``soft_limit`` and
    ``retry`` are of a step. Before ``hard_limit`` the worker is given back between two steps and the task goes
    to the end of its queue. Otherwise as ``@task``.
    """

    def declare[**F](function: Callable[Concatenate[TaskRun, C | None, F], Awaitable[C | None]]) -> Task[F]:
        return Task(
            name=name,
            function=function,
            arguments=Arguments(name, function, skip=2),
            cursor=TypeAdapter(cursor),
            queue=queue,
            priority=priority,
            soft_limit=soft_limit,
            hard_limit=hard_limit,
            retry=retry,
            unique=unique,
            retention=retention,
            external=external,
            on_end=on_end,
        )

    return declare
