"""Rate limits: how often somebody may ask, counted once for all processes of an installation.

A module declares its rules in the manifest (``rule``); an operator changes any (``overrides``). The layer ``RateLimits``
charges each request to the rules that count its route (``rules``, ``subject``), by one script in Redis (``shared``) or,
without it, in buckets of the process's own (``alone``). Both count by the generic cell rate algorithm.
"""

from framework.rate_limits.rule import Per, RateLimit
from framework.rate_limits.standing import RateLimitExceeded, Standing

__all__ = ["Per", "RateLimit", "RateLimitExceeded", "Standing"]
