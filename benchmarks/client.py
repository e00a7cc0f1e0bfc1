"""What comes before measuring: sign in, write contacts, see that both applications answer alike."""

import http.client
import json
from collections.abc import Mapping
from typing import Any


def call(port: int, method: str, path: str, *, cookie: str = "", body: Any = None) -> tuple[Any, Mapping[str, str]]:
    """The answer's JSON and headers, of several with one name the last. Raises ``RuntimeError`` for a status of 400 and above."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"content-type": "application/json", **({"cookie": cookie} if cookie else {})}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    text = response.read()
    if response.status >= 400:
        raise RuntimeError(f"{method} {path}: {response.status} {text.decode()}")
    return (json.loads(text) if text else None), dict(response.getheaders())


def sign_in(port: int, email: str, password: str) -> str:
    """The session cookie as a browser would send it; the one that makes the browser known stands before it."""
    _, headers = call(port, "POST", "/api/users/sign-in", body={"email": email, "password": password})
    return headers["set-cookie"].partition(";")[0]


def write_contacts(port: int, cookie: str, count: int) -> None:
    for number in range(count):
        contact = {
            "name": f"Person {number:04}",
            "email": f"person{number}@example.com",
            "phone": f"+49 30 {number:06}",
            "organisation": f"Company {number % 20}",
            "notes": "Met at the fair; wants a call in spring.",
            "tags": ["customer", "spring"],
        }
        call(port, "POST", "/api/contacts", cookie=cookie, body=contact)


def assert_same(ours: Any, floor: Any, path: str) -> None:
    """A comparison means nothing unless both did the same work. Cursors may differ: they are opaque."""
    ours, floor = ({**answer, "next_cursor": bool(answer.get("next_cursor"))} for answer in (ours, floor))
    if ours != floor:
        raise RuntimeError(f"{path}: the applications answer differently\n{ours}\n{floor}")
