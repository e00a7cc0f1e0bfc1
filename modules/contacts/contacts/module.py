from framework.module import Module, Navigation, Permission
from framework.rate_limits import RateLimit

from contacts.checks import checks
from contacts.commands import import_contacts
from contacts.csv_routes import router
from contacts.demo import demo
from contacts.events import subscriptions
from contacts.health import health
from contacts.settings import ContactsSettings
from contacts.tasks import schedules, tasks

module = Module(
    name="contacts",
    label="Contacts",
    requires=("users", "notifications"),
    router=router,
    pages=(
        "/contacts",
        "/contacts/new",
        "/contacts/import",
        "/contacts/imports/{id}",
        "/contacts/{id}",
    ),
    navigation=(Navigation("Contacts", "/contacts", "users", permission="contacts.view", order=10),),
    permissions=(
        Permission("contacts.view", "See and export contacts"),
        Permission("contacts.write", "Create, change, delete and import contacts"),
    ),
    # Each reads or writes the whole table.
    rate_limits=(
        RateLimit("contacts.exports", limit=10, rate_class="exports"),
        RateLimit("contacts.imports", limit=10, rate_class="imports"),
    ),
    settings=ContactsSettings,
    tasks=tasks,
    schedules=schedules,
    subscriptions=subscriptions,
    health=health,
    checks=checks,
    commands=(import_contacts,),
    demo=demo,
)
