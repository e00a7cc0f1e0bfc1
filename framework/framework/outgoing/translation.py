"""httpcore's and httpx's exceptions in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError

import httpcore
import httpx

from framework.outgoing.errors import BadResponse, Busy, ForbiddenAddress, OutgoingTimeout, Refused, Unavailable

TIMEOUTS = (httpcore.ConnectTimeout, httpcore.ReadTimeout, httpcore.WriteTimeout, TimeoutError)
BROKEN = (httpcore.NetworkError, httpcore.RemoteProtocolError)


@contextmanager
def translated(host: str) -> Iterator[None]:
    """For one hop. What is not named here is a mistake of ours and stays what it is."""
    try:
        yield
    except httpcore.ConnectError as error:
        certificate = _comes_of(error, SSLCertVerificationError)
        raise Refused(host, _words(error), transient=not certificate) from error
    except httpcore.PoolTimeout as error:
        raise Busy(host, "all connections of this process are in use") from error
    except TIMEOUTS as error:
        raise OutgoingTimeout(host, _words(error)) from error
    except BROKEN as error:
        raise Unavailable(host, _words(error)) from error


@contextmanager
def understood(host: str) -> Iterator[None]:
    """For what httpx itself makes of a URL, of redirects and of a body's encoding."""
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ForbiddenAddress(host, _words(error)) from error
    except (httpx.TooManyRedirects, httpx.DecodingError, httpx.RemoteProtocolError) as error:
        raise BadResponse(host, _words(error), retry_after=None) from error


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the time for all of the call was up"
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _comes_of(error: BaseException | None, kind: type[Exception]) -> bool:
    # httpcore's pool raises again `from None`, which leaves the context alone.
    return error is not None and (isinstance(error, kind) or _comes_of(error.__cause__ or error.__context__, kind))
