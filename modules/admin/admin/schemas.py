from datetime import datetime
from typing import Literal
from uuid import UUID

from framework.health import Status
from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ModuleOut(_Answer):
    """An installed module and what it contributes; one that is not enabled is not imported, so only its name is known."""

    name: str
    label: str
    version: str
    enabled: bool
    requires: list[str]
    routes: int = 0
    pages: list[str] = []
    permissions: list[str] = []
    tasks: list[str] = []
    schedules: list[str] = []
    health: list[str] = []
    checks: list[str] = []
    commands: list[str] = []


class Modules(_Answer):
    items: list[ModuleOut]


class FindingOut(_Answer):
    code: str
    title: str
    level: Literal["info", "warning", "error"]
    message: str
    hint: str
    owner: str
    silenced: str | None
    """The reason for which it is accepted; ``null`` when it counts."""


class Findings(_Answer):
    items: list[FindingOut]


class HealthChangeOut(_Answer):
    id: UUID
    check: str
    status: Status
    remark: str
    at: datetime
    process: str
    """The one that noticed first: ``host:pid``."""
