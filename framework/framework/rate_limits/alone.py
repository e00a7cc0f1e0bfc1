"""Counting without Redis: the same as the script in ``shared``, in the buckets of this process."""

from collections.abc import Sequence

from framework.rate_limits.rules import Limits


def charge(limits: Limits, subjects: Sequence[str], cost: int, now: int) -> tuple[list[int], bool]:
    """What the buckets owe at ``now``, in microseconds, and whether the request was admitted."""
    places, owed, admitted = [], [], True
    for meter, subject in zip(limits.meters, subjects, strict=True):
        place = meter.buckets.place(subject, now)
        debt = min(max(meter.buckets.full_at(place) - now, 0), meter.rule.capacity)
        places.append(place)
        owed.append(debt)
        admitted = admitted and debt + meter.rule.charge(cost) <= meter.rule.capacity
    if admitted:
        for index, (meter, place) in enumerate(zip(limits.meters, places, strict=True)):
            owed[index] += meter.rule.charge(cost)
            meter.buckets.fill(place, now + owed[index])
    return owed, admitted
