from framework.events import Subscription
from framework.module import Module
from users.contract import AccountDeleted

from notifications.routes import router
from notifications.service import forget_account
from notifications.settings import NotificationsSettings
from notifications.tasks import schedules, tasks

module = Module(
    name="notifications",
    label="Notifications",
    requires=("users",),
    router=router,
    pages=("/notifications",),
    settings=NotificationsSettings,
    tasks=tasks,
    schedules=schedules,
    subscriptions=(Subscription(AccountDeleted, forget_account),),
)
