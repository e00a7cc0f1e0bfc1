"""How the broker is dialled."""

from ssl import CERT_NONE, CERT_REQUIRED

import pytest
from background_tasks.broker import configuration
from celery import Celery
from framework.settings import Settings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rediss://broker/0", {"ssl_cert_reqs": CERT_REQUIRED}),
        ("rediss://broker/0?ssl_cert_reqs=none", {"ssl_cert_reqs": CERT_NONE}),
        ("redis://broker/0", None),
    ],
)
def test_a_broker_behind_tls_shows_its_certificate(
    settings: Settings, url: str, expected: dict[str, object] | None
) -> None:
    secret = type(settings.redis_url)(url)
    app = Celery("test", set_as_current=False)
    app.conf.update(configuration(settings.model_copy(update={"redis_url": secret})))
    with app.connection_for_write() as connection:
        assert connection.ssl == expected
