"""What this process knows of each host it calls: how many calls are under way, and how many retries are left."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

import httpx

from framework.outgoing.destinations import PORTS, normal
from framework.outgoing.errors import Busy
from framework.outgoing.retry_budget import RetryBudget

OTHER = "other"
MOST = 1000
"""Hosts remembered. Where people choose them (webhooks), there is no end of them."""


def name_of(url: httpx.URL) -> str:
    """``api.example.com``; with its port where that is not the scheme's own."""
    host = normal(url.raw_host.decode("ascii"))
    shown = f"[{host}]" if ":" in host else host
    return shown if url.port in (None, PORTS.get(url.scheme)) else f"{shown}:{url.port}"


class Host:
    """A bulkhead (Nygard, "Release It!", chapter 5): a host that hangs holds ``at_once`` requests of ours, not all of them."""

    __slots__ = ("_slots", "at_once", "budget", "in_flight", "label", "name")

    def __init__(self, name: str, label: str, at_once: int) -> None:
        self.name, self.label, self.at_once = name, label, at_once
        self.in_flight = 0
        """Those that wait for their turn, too."""
        self.budget = RetryBudget()
        self._slots = asyncio.Semaphore(at_once)

    async def enter(self, patience: float) -> None:
        """Raises ``Busy`` when none of the calls ended within ``patience`` seconds."""
        self.in_flight += 1
        try:
            async with asyncio.timeout(patience):
                await self._slots.acquire()
        except BaseException as error:
            self.in_flight -= 1
            if isinstance(error, TimeoutError):
                raise Busy(self.name, f"{self.at_once} calls to it are under way already") from None
            raise

    def leave(self) -> None:
        self.in_flight -= 1
        self._slots.release()


class Hosts:
    """``named`` are those that metrics name; all others are ``other`` there."""

    def __init__(self, at_once: int, named: Iterable[str] = (), most: int = MOST) -> None:
        self._at_once = at_once
        self._named = frozenset(map(str.lower, named))
        self._most = most
        self._hosts: OrderedDict[str, Host] = OrderedDict()

    def of(self, name: str) -> Host:
        host = self._hosts.get(name)
        if host is None:
            label = next((shown for shown in (name, name.rpartition(":")[0]) if shown in self._named), OTHER)
            host = self._hosts[name] = Host(name, label, self._at_once)
            self._forget()
        self._hosts.move_to_end(name)
        return host

    def __len__(self) -> int:
        return len(self._hosts)

    def _forget(self) -> None:
        if len(self._hosts) > self._most:
            idle = next((host.name for host in self._hosts.values() if not host.in_flight), None)
            if idle is not None:
                del self._hosts[idle]
