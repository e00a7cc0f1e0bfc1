"""Backups of Postgres, which holds everything: base backups and the WAL after them, in a folder or in object storage.

What is written is Postgres' own: tar files of ``pg_basebackup``, segments of ``pg_receivewal``. Without this package,
``tar`` and a ``restore_command`` bring it back.
"""


class BackupError(Exception):
    """It cannot be done as asked; the message says why and what to do. The command ends with status 2."""
