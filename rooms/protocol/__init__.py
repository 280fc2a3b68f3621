"""Every message between a browser and a conference, one frozen type each. The document is docs/protocol.md.

JSON text frames over ``/ws/sittings/{id}``, one object each with its `type`. What the browser sends may carry `ref`,
a number that comes back in the error for that message, so that a page can show it at the right button. The server
counts what it sends to one connection in `number`, from 1 without gaps.

A connection begins with the browser's `hello` and the server's `welcome`; then the server sends a complete `state` for
that viewer, and again whenever anything the viewer may see has changed. A state is never a difference: nothing is
replayed after a reconnection, so gaps and former rights leak nothing.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from rooms.protocol.acts import (
    AcknowledgeAlert,
    Act,
    Admit,
    AdmitDevice,
    Allow,
    CallRoll,
    CastVote,
    ChangeStage,
    Classify,
    CloseQuestion,
    ConsentToStages,
    Consult,
    EndConsult,
    GiveFloor,
    GiveOpinion,
    Identify,
    Leave,
    Listen,
    Lock,
    LowerHand,
    Mute,
    MuteAll,
    PutQuestion,
    RaiseHand,
    Readmit,
    RecordWish,
    Remove,
    ReturnToWaiting,
    Seat,
    SetSource,
    Step,
    TakeFloor,
    Unseat,
    Voice,
    Warn,
    Write,
    YieldFloor,
)
from rooms.protocol.base import (
    MAX_MESSAGE_BYTES,
    SUBPROTOCOL,
    CloseCode,
    FromBrowser,
    FromServer,
    Id,
    Message,
    ProtocolError,
    Reason,
    Sdp,
    UserError,
)
from rooms.protocol.link import (
    Answer,
    Direction,
    Hello,
    Link,
    Publish,
    Quality,
    Show,
    Shown,
    Subscribe,
    TrackOffered,
)
from rooms.protocol.server import (
    Demand,
    Downlink,
    Error,
    Farewell,
    Heartbeat,
    Ice,
    IceServer,
    MediaReset,
    OfferTrack,
    PublishedAnswer,
    ServerMessage,
    Speaker,
    State,
    SubscribeOffer,
    Welcome,
)
from rooms.protocol.views import (
    AdmonitionView,
    AlertView,
    ConsentDue,
    DepartureView,
    DeviceView,
    FloorView,
    Graded,
    IdentityView,
    MessageView,
    NetworkView,
    OpinionsView,
    OpinionText,
    ParticipantView,
    PrivateView,
    ProcedureView,
    QuestionResult,
    QuestionView,
    RecordingView,
    RightsView,
    RoomView,
    SittingView,
    SourceView,
    SpeakingView,
    StageView,
    TalkOffer,
    View,
    VoteView,
)

BrowserMessage = Link | Act

_browser = TypeAdapter[BrowserMessage](Annotated[BrowserMessage, Field(discriminator="type")])


def parse(text: str) -> BrowserMessage:
    """The message in one text frame.

    Raises :class:`ProtocolError` with 4413 when it is too long and 4400 when it is not a message of this protocol.
    """
    if len(text.encode()) > MAX_MESSAGE_BYTES:
        raise ProtocolError(CloseCode.OVERSIZED, f"message of {len(text)} characters")
    try:
        return _browser.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ProtocolError(CloseCode.MALFORMED, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def serialise(message: ServerMessage, number: int) -> str:
    """The text frame of a message, numbered for its connection."""
    return message.model_copy(update={"number": number}).model_dump_json()


__all__ = [
    "MAX_MESSAGE_BYTES",
    "SUBPROTOCOL",
    "AcknowledgeAlert",
    "Act",
    "Admit",
    "AdmitDevice",
    "AdmonitionView",
    "AlertView",
    "Allow",
    "Answer",
    "BrowserMessage",
    "CallRoll",
    "CastVote",
    "ChangeStage",
    "Classify",
    "CloseCode",
    "CloseQuestion",
    "ConsentDue",
    "ConsentToStages",
    "Consult",
    "Demand",
    "DepartureView",
    "DeviceView",
    "Direction",
    "Downlink",
    "EndConsult",
    "Error",
    "Farewell",
    "FloorView",
    "FromBrowser",
    "FromServer",
    "GiveFloor",
    "GiveOpinion",
    "Graded",
    "Heartbeat",
    "Hello",
    "Ice",
    "IceServer",
    "Id",
    "Identify",
    "IdentityView",
    "Leave",
    "Listen",
    "Lock",
    "LowerHand",
    "MediaReset",
    "Message",
    "MessageView",
    "Mute",
    "MuteAll",
    "NetworkView",
    "OfferTrack",
    "OpinionText",
    "OpinionsView",
    "ParticipantView",
    "PrivateView",
    "ProcedureView",
    "ProtocolError",
    "Publish",
    "PublishedAnswer",
    "PutQuestion",
    "Quality",
    "QuestionResult",
    "QuestionView",
    "RaiseHand",
    "Readmit",
    "Reason",
    "RecordWish",
    "RecordingView",
    "Remove",
    "ReturnToWaiting",
    "RightsView",
    "RoomView",
    "Sdp",
    "Seat",
    "ServerMessage",
    "SetSource",
    "Show",
    "Shown",
    "SittingView",
    "SourceView",
    "Speaker",
    "SpeakingView",
    "StageView",
    "State",
    "Step",
    "Subscribe",
    "SubscribeOffer",
    "TakeFloor",
    "TalkOffer",
    "TrackOffered",
    "Unseat",
    "UserError",
    "View",
    "Voice",
    "VoteView",
    "Warn",
    "Welcome",
    "Write",
    "YieldFloor",
    "parse",
    "serialise",
]
