"""What metrics say of sessions."""

from datetime import timedelta

from framework.metrics.postgres import PostgresGauges
from framework.settings import Settings

# As `authentication.load` tells a live one.
SESSIONS = """
SELECT count(*), count(*) FILTER (WHERE last_seen_at > now() - interval '5 minutes') FROM users.session
WHERE ended_at IS NULL AND created_at > now() - $1::interval AND last_seen_at > now() - $2::interval
"""


def _limits(settings: Settings) -> tuple[timedelta, timedelta]:
    return timedelta(hours=settings.session_absolute_hours), timedelta(hours=settings.session_idle_hours)


gauges = (
    PostgresGauges(
        statement=SESSIONS,
        arguments=_limits,
        gauges=(
            ("seamark_sessions", "Sign-ins that have neither ended nor expired."),
            ("seamark_sessions_active", "Sign-ins that were used within the last five minutes."),
        ),
        every=60,
    ),
)
