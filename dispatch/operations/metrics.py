"""What an operator wants to be warned of, for Prometheus."""

from __future__ import annotations

from prometheus_client import Gauge

CERTIFICATE_EXPIRES = Gauge(
    "dispatch_certificate_expires_timestamp_seconds", "When the certificate of this server expires, Unix time; 0: it serves no https"
)
LAST_BACKUP = Gauge("dispatch_last_backup_timestamp_seconds", "When the last complete backup was made, Unix time; 0: there is none")
DISK_FREE = Gauge("dispatch_disk_free_bytes", "Bytes free for the server where this is kept", ["kept"])
