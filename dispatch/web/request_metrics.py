"""What the web process counts of its requests, for Prometheus: how many by route and status, and how long they took."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from dispatch.web.access import Route

REQUESTS = Counter("dispatch_requests_total", "Requests by row of the route table and status", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "dispatch_request_seconds",
    "Time from a request's head to its answer; WebSockets, which last, are not in it",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)

UNKNOWN = "unknown"
"""For addresses that no row of the table has: what strangers type must not become labels."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count(route: Route | None, method: str, status: int, seconds: float) -> None:
    """Count one request that was answered."""
    path = route.path if route is not None else UNKNOWN
    verb = method if method in METHODS else UNKNOWN
    REQUESTS.labels(verb, path, str(status)).inc()
    if route is None or route.answers != "socket":
        REQUEST_SECONDS.labels(verb, path).observe(seconds)
