"""What happened to a task, as a list of events in the order of time."""

from datetime import UTC, datetime
from typing import Any

from framework.tasks.tables import TaskState

from background_tasks.views.schemas import AttemptItem, AttemptOutcome, EventKind, TaskStatus, TimelineEvent

ENDS = {
    TaskState.SUCCEEDED: (EventKind.SUCCEEDED, "It succeeded."),
    TaskState.FAILED: (EventKind.DEAD, "It has failed for good."),
    TaskState.CANCELLED: (EventKind.CANCELLED, "It was cancelled."),
}


def timeline(item: dict[str, Any], rest: Any, attempts: list[AttemptItem]) -> list[TimelineEvent]:
    """Publications have no times of their own; they come where the first one must have been."""
    created: datetime = item["created_at"]
    what = "A schedule's slot was written." if item["schedule"] else "It was enqueued."
    first = [_event(EventKind.ENQUEUED, created, what)]
    if item["status"] == TaskStatus.SCHEDULED:
        first.append(_event(EventKind.DELAYED, item["available_at"], "It is due then."))
    if times := rest["publications"]:
        first.append(
            _event(EventKind.PUBLISHED, None, "Published once." if times == 1 else f"Published {times} times.")
        )
    later = [event for attempt in attempts for event in _of_attempt(attempt)]
    if asked := rest["cancel_requested_at"]:
        later.append(_event(EventKind.CANCEL_REQUESTED, asked, "Somebody asked to cancel it."))
    if end := ENDS.get(item["status"]):
        later.append(_event(end[0], item["finished_at"], end[1]))
    elif item["status"] == TaskStatus.RETRYING:
        later.append(_event(EventKind.RETRY, item["available_at"], "The next attempt is due."))
    # Sorting is stable, so what happened at the same time stays in the order of cause and effect.
    return first + sorted(later, key=lambda event: event.at or datetime.max.replace(tzinfo=UTC))


def _of_attempt(attempt: AttemptItem) -> list[TimelineEvent]:
    where = f" on {attempt.worker}" if attempt.worker else ""
    events = [_event(EventKind.STARTED, attempt.started_at, f"Attempt {attempt.number} started{where}.")]
    if attempt.outcome is AttemptOutcome.FAILED:
        reason = attempt.failure.type.rpartition(".")[2] if attempt.failure else "an error"
        events.append(_event(EventKind.FAILED, attempt.ended_at, f"Attempt {attempt.number} failed: {reason}."))
    elif attempt.outcome is AttemptOutcome.LOST:
        text = f"Attempt {attempt.number} was last heard of; its process went away."
        events.append(_event(EventKind.LOST, attempt.ended_at, text))
    elif attempt.outcome is AttemptOutcome.HANDED_BACK:
        events.append(_event(EventKind.HANDED_BACK, None, "Its worker handed it back; it goes on elsewhere."))
    return events


def _event(kind: EventKind, at: datetime | None, text: str) -> TimelineEvent:
    return TimelineEvent(kind=kind, at=at, text=text)
