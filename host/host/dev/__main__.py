"""``python -m host.dev``: ``sm dev`` without the rest of the command line, for when that does not import."""

from host.dev.command import dev_app

dev_app()
