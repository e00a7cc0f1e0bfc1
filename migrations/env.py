"""Alembic runs this for every command that needs the database. Change a project's own options here or in what it calls."""

from framework.migrating.environment import run

run()
