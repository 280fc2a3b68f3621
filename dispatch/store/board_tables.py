"""What the board of the command centre keeps of each who uses it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.base import Base, new_id, utc_now


class BoardView(Base):
    """A choice of sittings that somebody calls with one click. `shown`: :class:`dispatch.console.views.Shown`; `opens`: it is what the
    board shows when it is opened, of at most one of his."""

    __tablename__ = "board_view"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    shown: Mapped[dict[str, Any]]
    opens: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    __table_args__ = (UniqueConstraint("user_id", "name", name="board_view_name"),)
