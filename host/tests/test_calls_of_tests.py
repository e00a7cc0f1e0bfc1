"""The fixture ``service``: what a module's test has the application call."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from framework.application import Application
from framework.outgoing import ForbiddenAddress
from host.testing.service import Service, answer


async def test_the_application_may_call_it_and_says_so_in_its_metrics(
    application: Application,
    service: Service,
    signed_in_client: Callable[[list[str]], Awaitable[httpx.AsyncClient]],
) -> None:
    service.answers[:] = [answer(404)]
    assert (await application.http.request("GET", f"{service.url}/people/7")).status_code == 404
    assert [(asked.method, asked.target) for asked in service.asked] == [("GET", "/people/7")]
    metrics = (await (await signed_in_client(["admin.health.view"])).get("/admin/metrics")).text
    assert f'seamark_outgoing_calls_total{{host="{service.address}",outcome="4xx"}} 1.0' in metrics


async def test_it_may_not_without(application: Application) -> None:
    async with Service() as service:
        with pytest.raises(ForbiddenAddress):
            await application.http.request("GET", service.url)
        assert service.connections == 0
