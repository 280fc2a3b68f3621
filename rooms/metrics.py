"""What the live plane counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CONFERENCES = Gauge("rooms_conferences", "Conferences that are open")
CONNECTIONS = Gauge("rooms_connections", "WebSockets of conferences", ["kind"])
MESSAGES = Counter("rooms_messages_total", "Messages from browsers", ["type"])
REFUSALS = Counter("rooms_refusals_total", "Messages refused", ["code"])
CLOSED = Counter("rooms_connections_closed_total", "WebSockets closed by the server", ["code"])
ENGINE_REFUSALS = Counter("rooms_engine_refusals_total", "Requests of the server itself that the engine refused", ["request", "code"])
EVENTS = Counter("rooms_events_total", "Events of conferences", ["type"])
LOG_APPEND_SECONDS = Histogram(
    "rooms_log_append_seconds",
    "Time of one durable append",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
RESERVED = Gauge("rooms_log_reserved", "Events kept in the reserve because the log cannot be written")
RECORDINGS = Gauge("rooms_recordings", "Recordings by state", ["state"])
ENGINE_UP = Gauge("rooms_engine_up", "1 while the media engine is connected")
RECORDER_UP = Gauge("rooms_recorder_up", "1 while the recorder is connected")
SITTINGS = Gauge("rooms_sittings", "Sittings under way by kind and stage", ["kind", "stage"])
STAGE_SECONDS = Counter("rooms_stage_seconds_total", "Time that sittings have spent in each stage", ["kind", "stage"])
PRIVATE = Gauge("rooms_private_phases", "Private phases that go on: a stage of the procedure, or a consultation", ["phase"])
WAITING_FOR = Gauge("rooms_sittings_waiting_for", "Sittings whose next stage cannot be entered yet, and what is missing", ["missing"])
DEPARTURES = Counter("rooms_departures_total", "Departures that were declared", ["cause", "consequence"])
PARTICIPANTS = Gauge("rooms_participants", "Participants who are inside a conference or wait before it", ["role", "presence"])
FEEDS = Gauge("rooms_field_feeds", "Live videos of people in the field that go on")
FEED_WATCHERS = Gauge("rooms_field_feed_watchers", "Windows of the command centre in which a live video of the field is watched")
FEEDS_OVER = Counter("rooms_field_feeds_over_total", "Live videos of people in the field that have ended", ["cause"])
STEPS = Counter(
    "rooms_quality_steps_total",
    "Steps of 5 s of the devices inside, by direction (up: to the court) and how good they were",
    ["direction", "score"],
)
SCORED = Gauge("rooms_quality_devices", "Devices inside by how good their connection is now, the worse of both directions", ["score"])
LOSS = Histogram(
    "rooms_quality_loss_ratio",
    "Share of packets lost in a step of 5 s of a device inside",
    ["direction"],
    buckets=(0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5),
)
