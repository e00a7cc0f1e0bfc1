from framework.module import Module, Navigation, Permission
from framework.rate_limits import RateLimit

from admin.routes import router

module = Module(
    name="admin",
    label="Administration",
    # Its page of accounts is drawn from the API of users.
    requires=("users",),
    router=router,
    pages=("/admin", "/admin/modules", "/admin/status", "/admin/findings", "/admin/users"),
    navigation=(
        Navigation("Overview", "/admin", "layout-dashboard", "admin.view", group="admin", order=10),
        Navigation("People", "/admin/users", "users", "users.view", group="admin", order=20),
        Navigation("Modules", "/admin/modules", "boxes", "admin.view", group="admin", order=30),
        Navigation("Health", "/admin/status", "activity", "admin.health.view", group="admin", order=40),
        Navigation("Findings", "/admin/findings", "stethoscope", "admin.view", group="admin", order=50),
    ),
    rate_limits=(RateLimit("admin.profile", limit=6, period=300, rate_class="profile"),),
    permissions=(
        Permission("admin.view", "See modules and what the checks find"),
        Permission("admin.health.view", "See the health of every service"),
        Permission("admin.profile", "Look at what a running process does"),
    ),
)
