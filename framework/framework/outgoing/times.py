"""How long a call takes at most. Apart from ``call``, for those who ask without making one: that needs httpx."""

PATIENCE = 30.0
"""Seconds that a call may take in all, where neither it nor its deadline says less."""
SPARE = 0.25
"""Seconds of a deadline that a call leaves to whoever made it, to say that it failed. To tell the breaker, which asks Redis,
may take a tenth of them."""
USEFUL = 0.1
"""Seconds without which no attempt begins: it would cost the service work that nobody waits for."""
