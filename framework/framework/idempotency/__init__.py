"""Idempotency keys: a request that is sent twice with one key takes effect once (draft-ietf-httpapi-idempotency-key-header).

The key is kept in the transaction of the effect, so there is either both or neither, whatever is lost on the way.
"""
