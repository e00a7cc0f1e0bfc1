"""Placeholder until the tasks land."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    name: str


@dataclass(frozen=True)
class Schedule:
    task: Task
