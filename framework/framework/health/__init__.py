"""Health: what each module says of itself, aggregated (probes: Kubernetes, "Configure Liveness, Readiness and Startup Probes").

``check`` is what modules declare, ``own`` what the framework does; ``monitor`` runs them, ``readiness`` answers the one
question of load balancers, ``history`` keeps what changed.
"""

from framework.health.check import PROBES, HealthCheck, HealthResult, Status, Unhealthy, overall

__all__ = ["PROBES", "HealthCheck", "HealthResult", "Status", "Unhealthy", "overall"]
