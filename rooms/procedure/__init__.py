"""Procedures as data: roles, stages and the rights of each role in each stage. One file for each kind of sitting."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rooms.procedure.model import NOTHING, Procedure, Rights, Stage, intersection
from rooms.procedure.remote_court import REMOTE_COURT

PROCEDURES: Mapping[str, Procedure] = MappingProxyType({REMOTE_COURT.kind: REMOTE_COURT})
"""Every kind of sitting that can be held."""

__all__ = ["NOTHING", "PROCEDURES", "REMOTE_COURT", "Procedure", "Rights", "Stage", "intersection"]
