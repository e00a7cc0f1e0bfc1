from framework.application import Application
from framework.checks import Check
from framework.findings import Code, Finding, Level
from framework.statement import Statement
from sqlalchemy import exists, func, select

from contacts.tables import Contact, Organisation

SM120 = Code(
    "SM120",
    "Organisations have nobody left",
    Level.INFO,
    "Every contact of theirs was moved elsewhere or erased. They still come up as suggestions in the form.",
)
EMPTY = Statement(
    select(func.count().label("organisations"))
    .select_from(Organisation)
    .where(~exists().where(Contact.organisation_id == Organisation.id))
)


async def empty_organisations(application: Application) -> list[Finding]:
    [row] = await EMPTY.fetch(application.database)
    if not row["organisations"]:
        return []
    hint = "in `sm psql`: DELETE FROM contacts.organisation o WHERE NOT EXISTS (SELECT FROM contacts.contact WHERE organisation_id = o.id)"
    return [SM120.finding(f"{row['organisations']} organisations have no contact", hint=hint)]


checks = (Check("contacts.empty_organisations", empty_organisations, owner="contacts", dynamic=True),)
