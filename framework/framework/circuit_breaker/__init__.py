"""Circuit breakers (Nygard, "Release It!", chapter 5): a service that fails is left alone, and asked now and then by one call.

All processes share them through Redis; without it each has its own (ADR 0016).
"""

from framework.circuit_breaker.breakers import Breakers
from framework.circuit_breaker.circuit import State
from framework.circuit_breaker.local import NotClosed
from framework.circuit_breaker.permit import CircuitOpen, Permit
from framework.circuit_breaker.rules import Rules

__all__ = ["Breakers", "CircuitOpen", "NotClosed", "Permit", "Rules", "State"]
