"""``server.py check``: looks at everything a site needs and says what to mend, whether the server runs or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from dispatch.operations import check_host, check_media, check_network, check_seal, check_store, check_telling
from dispatch.operations.clock import Stepping
from dispatch.operations.findings import Finding, mend, ok
from dispatch.settings import CONFIG, SettingsError, load

if TYPE_CHECKING:
    from dispatch.settings import Settings

Look = Callable[[], Iterable[Finding] | Finding]


def run(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding, in the order of a start: settings, server, directory … An item that fails unexpectedly is one to mend."""
    watched = Stepping()  # over the whole check
    try:
        settings = load(environment)
    except SettingsError as error:
        yield mend("settings", "refused", why=error)
        return
    yield ok("settings", "file", path=environment[CONFIG]) if environment.get(CONFIG) else ok("settings", "well")
    for item, look in _looks(settings, watched):
        try:
            found = look()
            yield from [found] if isinstance(found, Finding) else found
        except Exception as error:  # the check must not end at the one thing that is broken
            yield mend(item, "failed", why=f"{type(error).__name__}: {error}")


def _looks(settings: Settings, watched: Stepping) -> Iterator[tuple[str, Look]]:
    found = check_network.serving(settings)
    yield "server", lambda: check_network.server(found)
    yield "data", lambda: check_host.data_directory(settings)
    yield "disk", lambda: check_host.disk(settings)
    yield "secrets", lambda: check_host.secrets(settings)
    yield "sqlite", lambda: check_host.database(settings)
    yield "port", lambda: check_network.ports(settings, found)
    yield "certificate", lambda: check_network.own_certificate(settings)
    yield "public_url", lambda: check_network.public_address(settings, found)
    yield "media", lambda: check_network.media_address(settings)
    yield "engine", lambda: check_media.engine(settings)
    yield "turn", lambda: check_media.relay(settings)
    yield "mail", lambda: check_telling.mail(settings)
    yield "sms", lambda: check_telling.sms(settings)
    yield "seal", lambda: check_seal.seal(settings)
    yield "store", lambda: check_store.store(settings)
    yield "stamp", lambda: check_seal.stamps(settings)
    yield "font", lambda: check_host.font(settings)
    yield "ffmpeg", lambda: check_host.ffmpeg(settings)
    yield "clock", lambda: check_host.clock(settings, watched)
