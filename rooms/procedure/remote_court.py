"""Remote court (远程开庭).

Source: Rules of Online Litigation of the People's Courts (人民法院在线诉讼规则, 2021), and for the recording the Supreme
People's Court's provisions on recording trials (人民法院庭审录音录像的若干规定, 2017), Art. 3: recording begins when the court is
declared open and ends when it is closed; in between it rests only for a recess.

Four stages: people gather (`waiting`, unrecorded, those admitted see and hear each other), the court is in session
(`hearing`, recorded), it rests (`recess`, every microphone and camera closed, nobody hears anybody), it is over (`closed`).

* Presiding or sole judge: S V P A and directs. Panel member: S V P.
* Clerk (书记员): S V A R; calls people in.
* Prosecutor, party, agent, defender: S V P. What they say they say with the chair's leave; the chair closes a microphone.
* Witness and expert (Art. 26): stay in the waiting room, where nothing of the hearing is seen or heard, are admitted to
  testify, and are sent back afterwards; while they testify they speak and see the court. Nothing is shared by them. At a
  room's device each sits alone.
* Interpreter: speaks and hears, shares nothing. Gallery and custody officer: see and hear.
* Consent (Arts 4, 5, 37): of each party and who acts for it, never presumed; who has not consented is named to the chair.
* Leaving (Art. 25): nobody can be held by a page. Whoever leaves in session leaves midway (中途退庭), which the log shows
  with the stage; the chair ends a hearing by recess or close and does not leave it while it is in session.
"""

from __future__ import annotations

from types import MappingProxyType

from rooms.procedure.model import Procedure, Stage, stages, table
from rooms.procedure.seating import Seating

_IN_SESSION = {
    "judge": "SVPAD",
    "panel": "SVPL",
    "clerk": "SVARL",
    "prosecutor": "SVPL",
    "party": "SVPL",
    "agent": "SVPL",
    "defender": "SVPL",
    "witness": "SVL",
    "expert": "SVL",
    "interpreter": "SVL",
    "gallery": "VL",
    "custody_officer": "VL",
}
_GATHERING = {role: letters + ("" if "L" in letters else "L") for role, letters in _IN_SESSION.items()}
_AT_REST = {role: "".join(letter for letter in letters if letter in "ARLD") for role, letters in _GATHERING.items()}

REMOTE_COURT = Procedure(
    kind="remote_court",
    first="waiting",
    last="closed",
    stages=stages(
        Stage("waiting", status="open"),
        Stage("hearing", status="live", recorded=True),
        Stage("recess", status="recess", closes_sources=True),
        Stage("closed", status="closed", observable=False, closes_sources=True),
    ),
    changes=MappingProxyType(
        {
            "waiting": ("hearing", "closed"),
            "hearing": ("recess", "closed"),
            "recess": ("hearing", "closed"),
            "closed": (),
        }
    ),
    rights=table(waiting=_GATHERING, hearing=_IN_SESSION, recess=_AT_REST, closed={}),
    enters_at_once=frozenset({"judge", "clerk"}),
    bench=frozenset({"judge", "panel", "clerk"}),
    awaited=frozenset({"panel", "clerk", "prosecutor", "party", "agent", "defender"}),
    consents=frozenset({"party", "agent", "defender"}),
    apart=frozenset({"witness", "expert"}),
    seating=Seating(
        bench=("judge", "panel"),
        left=frozenset({"prosecutor"}),
        right=frozenset({"defender"}),
        opposed=frozenset({"party"}),
        beside=frozenset({"agent"}),
    ),
)
