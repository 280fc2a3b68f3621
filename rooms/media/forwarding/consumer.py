"""A consumer: one track on its way to one endpoint, in the layer that was chosen for it."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from . import packets
from .choice import Choice, Picture
from .codecs import KIND, Codec, offered
from .copies import Copy
from .layer import LONG_AGO, Layer
from .outbox import Target
from .packets import ReportBlock
from .red import Redundancy
from .sequence import ECHO_S
from .track import Track

if TYPE_CHECKING:
    from .subscribe import SubscribeTransport

#: Sender reports remembered for the round trip.
REPORTS = 32
#: A report is of now if the clock that it answers came so long before, 1/65536 s.
FRESH = 2 << 16
#: A packet is not sent again before the last time could have helped: within this share of a round trip, which trembles.
AGAIN_SHARE, LEAST_AGAIN_S, AGAIN_MEMORY = 0.7, 0.03, 500
#: From this loss (0 to 1) on a picture's packet is sent again twice: a request that was answered in vain costs a round trip.
MUCH_LOST = 0.05
#: So long after the last redundant packet nothing of sound is sent again.
BOTH_WAYS_S = 3.0
#: Packets that one burst of padding may have.
BURST = 12


class Consumer:
    """One track on its way to one endpoint, in the codec that its producer has just now.

    `asked` is the codec that the last offer named first, `answered` the one of the last offer that was answered, `accepted`
    what that answer takes. Both codecs are in every offer, so a producer that comes back in the other one needs no new offer.
    """

    def __init__(self, transport: SubscribeTransport, track: Track) -> None:
        self.transport = transport
        self.track = track
        self.codec = track.codec or offered(KIND[track.key.source])[0]
        self.accepted: tuple[Codec, ...] = ()
        self.takes_redundancy = False
        self._redundancy = Redundancy()
        self._asked = self._sent_then = 0
        self._plain_at = LONG_AGO
        self.asked: Codec | None = None
        self.answered: Codec | None = None
        self.ssrc = secrets.randbits(32) or 1
        self.rtx_ssrc = secrets.randbits(32) or 1
        self.copy = Copy(self._send_report)
        self.allowed = True
        self.active = False
        self.choice = Choice(0, False, 0)
        self.nacks = self.rtx = self.unrepaired = self.padding = self.never_came = 0
        self.fraction_lost = 0.0
        self._came: tuple[object, int, int] | None = None
        self._repeated = 0
        self._octets_told = (0, 0)
        self._losses: list[float] = []
        self.rtt_ms: float | None = None
        self.bitrate_bps = 0
        self._measured: tuple[float, int, int] | None = None
        self._silent = False
        self._highest = 0
        self._rtx_seq = secrets.randbits(15)
        self._reports: dict[int, float] = {}
        self._clock: tuple[int, int, float] | None = None
        self._again_at: dict[int, float] = {}

    @property
    def undecodable(self) -> bool:
        """The endpoint was asked for this codec before any other, and left it out."""
        return self.answered is self.codec and self.codec not in self.accepted

    def update(self) -> None:
        """Start or stop, as answer, right, codec and transport have it."""
        transport, target = self.transport, self.copy.target
        codec = self.track.codec
        if codec is not None and codec is not self.codec:
            self.codec = codec
            self.copy.rewriter.forget()
            if target is not None:
                target.retype(codec.payload_type)
        active = self.codec in self.accepted and self.allowed and transport.ready and transport.may_start(self)
        now = transport.context.clock()
        if not active:
            self.copy.repeat(False, self.codec.payload_type)
        protection, destination = transport.protection, transport.destination
        if active and not self.active and protection is not None and destination is not None:
            target = Target(transport.context.outbox, protection.stream(self.ssrc), destination, self.codec.payload_type)
            self.active = True
            self.track.attach(self.copy, target, now)
            self.place(now)
        elif self.active and not active:
            self.active = False
            self.track.detach(self.copy)

    @property
    def shows(self) -> bool:
        """Whether this is a picture."""
        return self.codec.kind == "video"

    def picture(self, floor: bool, shown: int | None) -> Picture:
        """The picture, for the choice of its layer."""
        track = self.track
        held = track.level(self.copy) if self.active else -1
        return Picture(track.key, floor, shown, track.rungs, held, track.layers[0].thins, track.measured)

    def choose(self, choice: Choice, now: float, urgent: bool = False) -> None:
        """Take the layer that was chosen. `urgent`: what is too much is not sent on until the lower layer comes: sound has to get
        through."""
        self.choice = choice
        self.copy.thin(choice.slower)
        if self.active:
            self.place(now)
            layer, layers = self.copy.layer, self.track.layers
            if urgent and layer in layers and layers.index(layer) > choice.level:
                layer.remove(self.copy)

    def place(self, now: float) -> None:
        """Go to the layer that was chosen. Until it comes: what is there already goes on, or else the best that is not higher."""
        layers, level = self.track.layers, self.choice.level
        if level < 0 or not layers:
            self.track.direct(self.copy, (), now)
            return
        level = min(level, len(layers) - 1)
        chosen, copy = layers[level], self.copy
        if copy.layer is chosen and not copy.wanted and len(layers) == 1:
            return
        flowing = self.track.flowing(now)
        if len(layers) == 1 or not flowing or level in flowing:
            wanted: tuple[Layer, ...] = (chosen,)
        else:
            present = self.track.level(self.copy)
            instead = max((i for i in flowing if i < level), default=flowing[0])
            if present == level:
                wanted = (layers[instead],)
            elif present in flowing and (present > level or present == instead):
                wanted = (chosen,)
            else:
                wanted = (chosen, layers[instead])
        self.track.direct(self.copy, wanted, now)

    def moved(self) -> None:
        """The endpoint's address changed."""
        target, destination = self.copy.target, self.transport.destination
        if target is not None and destination is not None:
            target.move(destination)

    def close(self) -> None:
        self.allowed = False
        self.update()
        if self.transport.protection is not None:
            for ssrc in (self.ssrc, self.rtx_ssrc):
                self.transport.protection.retire(ssrc)

    def resend(self, numbers: tuple[int, ...], now: float) -> None:
        """Answer a NACK from the ring: as RTX where there is one, else the packet itself again.

        A packet is sent again once in a round trip, and pictures no more than the path can take besides what is new: a browser that
        knows no round trip asks each 0.1 s for what stands in a queue, and repairs would fill the queue for good.
        """
        self.nacks += len(numbers)
        transport, patience = self.transport, max(LEAST_AGAIN_S, (self.rtt_ms or 0) / 1000 * AGAIN_SHARE)
        for number in numbers:
            found = self.copy.find(number) if self.active and self.copy.layer is not None else None
            if found is None or transport.destination is None or now - self._again_at.get(number, LONG_AGO) < patience:
                continue
            if self.copy.redundant or now - self._plain_at < BOTH_WAYS_S:
                # What went out under this number had another sound with it: never two packets under one number (RFC 3711 section 9.1).
                self._asked += 1
                continue
            packet = self._again(number, *found)
            if not transport.may_resend() or (self.shows and not transport.downlink.may_repair(len(packet), now)):
                self.unrepaired += 1
                transport.context.counts["unrepaired"] += 1
                continue
            self._asked += number not in self._again_at
            self._again_at.pop(number, None)
            self._again_at[number] = now
            if len(self._again_at) > AGAIN_MEMORY:
                del self._again_at[next(iter(self._again_at))]
            self._put(packet)
            self.rtx += 1
            transport.context.counts["repairs"] += 1
            if self.shows and self.fraction_lost >= MUCH_LOST and self.codec.rtx_payload_type is not None:
                asyncio.get_running_loop().call_later(ECHO_S, self._echo, number)

    def _echo(self, number: int) -> None:
        """Once more, in case that it was lost again."""
        context = self.transport.context
        found = self.copy.find(number) if self.active and self.copy.layer is not None else None
        if found is None:
            return
        packet = self._again(number, *found)
        if self.transport.downlink.may_repair(len(packet), context.clock()):
            self._put(packet)
            context.counts["repairs"] += 1
            context.outbox.flush()

    def _again(self, number: int, packet: bytes, ts_offset: int) -> bytes:
        """What went out as `number`, for a second time."""
        timestamp = (int.from_bytes(packet[4:8], "big") + ts_offset) & 0xFFFFFFFF
        if self.codec.rtx_payload_type is None:
            return packets.renumbered(packet, self.codec.payload_type, self.ssrc, number, timestamp)
        self._rtx_seq = (self._rtx_seq + 1) & 0xFFFF
        return packets.rtx_wrap(packet, self.codec.rtx_payload_type, self.rtx_ssrc, self._rtx_seq, number, timestamp)

    def _put(self, packet: bytes) -> None:
        transport = self.transport
        if transport.protection is not None and transport.destination is not None:
            self._repeated += len(packet) - packets.HEADER
            transport.context.outbox.put(packet, transport.protection, transport.destination)

    def pad(self, octets: float, now: float) -> int:
        """Send about so many octets, the last packets again on the repair stream, or padding while nothing flows; returns how many it were.

        Chromium takes both without a word: what it has already it drops, and padding carries nothing. It reports on the stream of a
        picture alone, so the padding goes there.
        """
        repair, hz = self.codec.rtx_payload_type, self.codec.clock_hz
        if repair is None:
            return 0
        sent, copy = 0, self.copy
        for back in range(BURST, 0, -1):
            if sent >= octets:
                break
            number = copy.newest() - back + 1 & 0xFFFF
            found = copy.find(number) if copy.layer is not None else None
            if found is not None:
                packet = self._again(number, *found)
            elif (place := copy.pad(now, hz)) is not None:
                packet = packets.padding(self.codec.payload_type, self.ssrc, *place)
            else:
                self._rtx_seq = (self._rtx_seq + 1) & 0xFFFF
                packet = packets.padding(repair, self.rtx_ssrc, self._rtx_seq, copy.timestamp_at(now, hz))
            self._put(packet)
            self.padding += 1
            self.transport.context.counts["padding"] += 1
            sent += len(packet) - packets.HEADER
        return sent

    def ask(self, now: float, every_s: float) -> None:
        """Have the round trip measured, so often: the sender's clock is told once more, as it must stand now."""
        if self._clock is not None and self.active and now - self._clock[2] >= every_s:
            ntp, timestamp, at = self._clock
            elapsed = now - at
            self._send_report(ntp + int(elapsed * packets.NTP_SECOND), timestamp + int(elapsed * self.codec.clock_hz) & 0xFFFFFFFF)

    def new_octets(self) -> tuple[int, int]:
        """Octets of payload that went to the endpoint since the last call: what is new, and repairs and padding."""
        media, repeated = self.copy.octets, self._repeated
        new, self._octets_told = (media - self._octets_told[0], repeated - self._octets_told[1]), (media, repeated)
        return new

    def measure(self, now: float) -> None:
        """Each second: the bit rate since the last time."""
        before, self._measured = self._measured, (now, self.copy.octets, self.padding)
        if before is not None and now > before[0]:
            self.bitrate_bps = round((self.copy.octets - before[1]) * 8 / (now - before[0]))
            self._silent = self._silent or (self.bitrate_bps == 0 and self.padding == before[2])

    def _send_report(self, ntp: int, timestamp: int) -> None:
        now = self.transport.context.clock()
        self._clock = ntp, timestamp, now
        self._reports[ntp >> 16 & 0xFFFFFFFF] = now
        if len(self._reports) > REPORTS:
            del self._reports[next(iter(self._reports))]
        self.transport.send_rtcp(packets.sender_report(self.ssrc, ntp, timestamp, self.copy.sent, self.copy.octets))

    def on_report(self, block: ReportBlock, now: float) -> None:
        """What the endpoint says it received."""
        self.fraction_lost = fraction = self._on_the_way_down(block.fraction_lost / 256)
        if self._silent and block.highest != self._highest:
            # The first packets after a silence show what was lost before it.
            self._silent, fraction = False, 0.0
        self._highest = block.highest
        self._losses.append(fraction)
        sent_at = self._reports.pop(block.lsr, None)  # the same clock is answered again and again, with the delay of then
        if sent_at is not None:
            rtt_s = max(0.0, now - sent_at - block.dlsr / 65536)
            self.rtt_ms = round(rtt_s * 1000, 1)
            if self.shows and block.dlsr < FRESH:
                self.transport.downlink.delayed(rtt_s, fraction, now)
        self._repeat(fraction, now)

    def _repeat(self, fraction: float, now: float) -> None:
        """Where the path loses sound and is long, each packet carries that of the one before it too: a repair would come too late."""
        sent, asked = self.copy.sent - self._sent_then, self._asked
        self._sent_then, self._asked = self.copy.sent, 0
        doubled = self.codec.red_payload_type
        # What was sent again in the same stream counts as received there: what was asked for tells what was lost.
        fraction = max(fraction, min(1.0, asked / sent)) if sent > 0 else fraction
        if doubled is not None and self.takes_redundancy and self.active:
            on = self._redundancy.worth_it(fraction, self.rtt_ms or 0.0, now)
            if self.copy.redundant and not on:
                self._plain_at = now
            self.copy.repeat(on, doubled if on else self.codec.payload_type)

    def _on_the_way_down(self, fraction: float) -> float:
        """What of a reported loss is this path's. A packet that never came up cannot be told from one that was lost on the way down,
        except here; counted as lost on both ways it would make every viewer's path look bad."""
        layer = self.copy.layer
        if layer is None:
            self._came = None
            return fraction
        reception = layer.producer.reception
        former, self._came = self._came, (layer.producer.stream, reception.expected, reception.unrepaired)
        if former is None or former[0] is not self._came[0] or self._came[1] <= former[1]:
            return fraction
        missing = max(0, self._came[2] - former[2])
        self.never_came += missing
        share = missing / (self._came[1] - former[1])
        return max(0.0, (fraction - share) / (1 - share)) if share < 1 else 0.0

    def new_loss(self) -> float | None:
        """The share (0 to 1) that was lost by the reports since this was asked last; None if none came."""
        losses, self._losses = self._losses, []
        return sum(losses) / len(losses) if losses else None

    def report(self) -> dict[str, Any]:
        """Counters for the engine's report."""
        layer, layers, level = self.copy.layer, self.track.layers, self.choice.level
        return {
            "undecodable": self.undecodable,
            "packets": self.copy.sent,
            "bytes": self.copy.octets,
            "nacks": self.nacks,
            "rtx": self.rtx,
            "unrepaired": self.unrepaired,
            "padding": self.padding,
            "never_came": self.never_came,
            "fraction_lost": round(self.fraction_lost, 4),
            "rtt_ms": self.rtt_ms,
            "bitrate_bps": self.bitrate_bps,
            "layer": layer.rid if layer is not None else None,
            "wanted": layers[min(level, len(layers) - 1)].rid if level >= 0 and layers else None,
            "waits": bool(self.copy.wanted),
            "slower": self.choice.slower,
            "redundant": self.copy.redundant,
        }
