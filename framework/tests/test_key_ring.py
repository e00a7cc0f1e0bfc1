"""One key signs, all verify, each purpose has keys of its own."""

import pytest
from framework.keyring import KeyRing
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW = "the first secret of this installation", "the secret that came after it"


def test_what_was_signed_verifies() -> None:
    ring = KeyRing([NEW], "session")
    key_id, signature = ring.sign("payload")
    assert ring.verify("payload", key_id, signature)
    assert ring.is_current(key_id)


def test_a_fallback_verifies_what_it_signed_while_it_was_current() -> None:
    key_id, signature = KeyRing([OLD], "session").sign("payload")
    rotated = KeyRing([NEW, OLD], "session")
    assert rotated.verify("payload", key_id, signature)
    assert not rotated.is_current(key_id)


def test_the_first_key_signs_whatever_the_fallbacks_are() -> None:
    assert KeyRing([NEW, OLD], "session").sign("payload") == KeyRing([NEW], "session").sign("payload")


def test_a_key_that_is_yet_to_come_verifies_before_it_signs() -> None:
    # A rolling deployment: those who are ahead sign by the new key, the others must accept it.
    key_id, signature = KeyRing([NEW, OLD], "session").sign("payload")
    assert KeyRing([OLD, NEW], "session").verify("payload", key_id, signature)


def test_a_retired_key_verifies_nothing() -> None:
    key_id, signature = KeyRing([OLD], "session").sign("payload")
    assert not KeyRing([NEW], "session").verify("payload", key_id, signature)


def test_a_key_for_one_purpose_verifies_nothing_of_another() -> None:
    key_id, signature = KeyRing([NEW], "session").sign("payload")
    other = KeyRing([NEW], "password reset")
    other_id, _ = other.sign("payload")
    assert not other.verify("payload", key_id, signature)
    assert not other.verify("payload", other_id, signature)
    assert key_id != other_id


def test_the_same_key_twice_is_one_key() -> None:
    ring = KeyRing([NEW, NEW], "session")
    key_id, signature = ring.sign("payload")
    assert ring.verify("payload", key_id, signature)
    assert ring.is_current(key_id)


def test_a_ring_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        KeyRing([], "session")


@given(st.text())
def test_no_other_payload_verifies(payload: str) -> None:
    ring = KeyRing([NEW], "session")
    key_id, signature = ring.sign("payload")
    assert ring.verify(payload.encode("utf-8", "ignore").decode(), key_id, signature) == (payload == "payload")


@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_no_other_signature_verifies(signature: str) -> None:
    assert not KeyRing([NEW], "session").verify("payload", KeyRing([NEW], "session").sign("payload")[0], signature)


def test_secrets_do_not_show_in_a_key() -> None:
    ring = KeyRing([NEW], "session")
    key_id, _ = ring.sign("payload")
    assert NEW not in key_id
    assert NEW not in repr(ring)
