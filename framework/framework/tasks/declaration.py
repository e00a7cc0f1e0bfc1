"""How a module declares a task: a decorated function, whose name and limits its worker needs and its caller does not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Concatenate, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import ParamSpec

from framework.tasks import outbox
from framework.tasks.arguments import Arguments
from framework.tasks.retry import RetryPolicy
from framework.tasks.run import TaskRun
from framework.tasks.tables import TaskState

# With a default, so that `Task` alone means a task of any arguments (PEP 696).
P = ParamSpec("P", default=...)
C = TypeVar("C")
DEFAULT_RETRY = RetryPolicy()


class Outcome(StrEnum):
    """How a task ended, for its ``on_end``."""

    SUCCEEDED = TaskState.SUCCEEDED
    FAILED = TaskState.FAILED
    CANCELLED = TaskState.CANCELLED


@dataclass(frozen=True, eq=False)
class Task(Generic[P]):
    """Made by ``@task`` and ``@step_task``; a module lists it in its manifest and calls ``enqueue``."""

    name: str
    queue: str
    soft_limit: float
    hard_limit: float
    retry: RetryPolicy
    function: Callable[..., Awaitable[Any]]
    arguments: Arguments
    cursor: TypeAdapter[Any] | None
    """How the cursor of a task with steps is stored; ``None`` for a task that is one step."""
    on_end: Callable[..., Awaitable[None]] | None

    def __post_init__(self) -> None:
        if not 0 < self.soft_limit < self.hard_limit:
            raise ValueError(f"task {self.name}: the soft limit must be below the hard one")

    async def enqueue(self, session: AsyncSession, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Have it run once ``session``'s transaction has committed, and never when it rolls back. Returns its id.

        Costs one INSERT; no broker is asked. Raises pydantic's ``ValidationError`` for wrong arguments.
        """
        if args:
            raise TypeError(f"task {self.name}: pass arguments by name")
        return await outbox.add(session, self.name, self.queue, self.arguments.dump(kwargs))


OnEnd = Callable[Concatenate[AsyncSession, Outcome, P], Awaitable[None]]


def task(
    name: str,
    *,
    queue: str = "default",
    soft_limit: float = 60,
    hard_limit: float = 90,
    retry: RetryPolicy = DEFAULT_RETRY,
    on_end: OnEnd[P] | None = None,
) -> Callable[[Callable[Concatenate[TaskRun, P], Awaitable[None]]], Task[P]]:
    """Declare ``async def work(run: TaskRun, *, …) -> None`` as the task ``<module>.<what>``: one transaction, one effect.

    After ``soft_limit`` seconds it is cancelled where it awaits, after ``hard_limit`` its process is killed. When it
    raises it runs again, as ``retry`` says. ``on_end`` is called with
    ``(session, outcome, **arguments)`` in the transaction that ends it, however it ends.
    """

    def declare(function: Callable[Concatenate[TaskRun, P], Awaitable[None]]) -> Task[P]:
        arguments = Arguments(function, skip=1)
        return Task(name, queue, soft_limit, hard_limit, retry, function, arguments, None, on_end)

    return declare


def step_task(
    name: str,
    *,
    cursor: type[C],
    queue: str = "default",
    soft_limit: float = 60,
    hard_limit: float = 120,
    retry: RetryPolicy = DEFAULT_RETRY,
    on_end: OnEnd[P] | None = None,
) -> Callable[[Callable[Concatenate[TaskRun, C | None, P], Awaitable[C | None]]], Task[P]]:
    """Declare a long task, called once for each step: ``async def work(run, cursor: C | None, *, …) -> C | None``.

    Each step is a transaction of its own, which stores the returned cursor along with the step's effect; the next step
    is given it, on whichever worker and after whatever happened. ``None`` begins, and ends. ``soft_limit`` and
    ``retry`` are of a step. Before ``hard_limit`` the worker is given back between two steps and the task goes
    to the end of its queue. Otherwise as ``@task``.
    """

    def declare(function: Callable[Concatenate[TaskRun, C | None, P], Awaitable[C | None]]) -> Task[P]:
        arguments = Arguments(function, skip=2)
        stored = TypeAdapter(cursor)
        return Task(name, queue, soft_limit, hard_limit, retry, function, arguments, stored, on_end)

    return declare
