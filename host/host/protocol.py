"""uvicorn's HTTP protocol, which also answers who connected just before the process ends."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER = 1.0
"""Seconds that a request may take to arrive on a connection that has been accepted."""


class Protocol(HttpToolsProtocol):
    def shutdown(self) -> None:
        """uvicorn closes a connection without a request at once. Where several processes accept from one socket, new ones
        come until the last moment, and their requests would be lost: 1 of 400 when gunicorn reloads under load.
        """
        if self.cycle is None:
            self.loop.call_later(LINGER, super().shutdown)
        else:
            super().shutdown()
