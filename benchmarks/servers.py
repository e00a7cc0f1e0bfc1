"""Servers that keep what they took, as in production."""

from framework.embedded import EmbeddedValkey


class DurableValkey(EmbeddedValkey):
    def configuration(self) -> str:
        return f"{super().configuration()}appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n"
