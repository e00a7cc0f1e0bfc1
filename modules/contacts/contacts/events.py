"""What is done when something has happened: each a task, with the event as it was published."""

from framework.events import Subscription
from framework.tasks import TaskRun
from notifications.contract import notify
from sqlalchemy import update
from users.contract import AccountDeleted

from contacts.contract import ImportFinished
from contacts.tables import Import, ImportStatus


async def forget_account(run: TaskRun, event: AccountDeleted) -> None:
    await run.session.execute(update(Import).where(Import.started_by == event.account_id).values(started_by=None))


async def tell_owner(run: TaskRun, event: ImportFinished) -> None:
    """From the row, not from the event: the account may be deleted, and the import forgotten, by now."""
    import_ = await run.session.get(Import, event.import_id)
    if import_ is None or import_.started_by is None:
        return
    title = f"Your import of {import_.filename} {_outcome(event)}"
    body = "" if event.status == ImportStatus.SUCCEEDED else import_.message or ""
    await notify(run.session, import_.started_by, title, path=f"/contacts/imports/{import_.id}", body=body)


def _outcome(event: ImportFinished) -> str:
    match event.status:
        case ImportStatus.FAILED:
            return "did not come to its end"
        case ImportStatus.CANCELLED:
            return "was stopped"
    counts = {"created": event.created, "updated": event.updated, "rejected": event.rejected}
    dealt_with = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    return f"is done: {dealt_with or 'it has no rows'}"


subscriptions = (Subscription(AccountDeleted, forget_account), Subscription(ImportFinished, tell_owner, ordered=True))
