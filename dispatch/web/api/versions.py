"""Versions of what the API shows (ETag), and changing only what one has seen (If-Match; RFC 9110 sections 8.8.3 and 13.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from pydantic import Field

from dispatch.web.api.problems import PreconditionFailed
from dispatch.web.api.values import Asked, Resource

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\U0010ffff]*")')


class IfMatch(Asked):
    """The version that is to be changed."""

    if_match: str | None = Field(
        None,
        alias="If-Match",
        description="The ETag that was seen: the change is refused (412) where there is a newer version. Left out, the newest is changed.",
    )

    def check(self, found: Resource) -> None:
        """Raises PreconditionFailed unless `found` is the version that was named. Called inside the transaction of the change."""
        if self.if_match is not None and not names([self.if_match], etag_of(found)):
            raise PreconditionFailed("version_changed", "If-Match")


class IfNoneMatch(Asked):
    """The version that the one who asks has already."""

    if_none_match: str | None = Field(
        None, alias="If-None-Match", description="The ETag that is there already: if it is the newest, 304 without a body."
    )


def etag_of(resource: Resource) -> str:
    """The strong ETag of what the resource is now."""
    return f'"{hashlib.sha256(resource.whole().model_dump_json().encode()).hexdigest()[:32]}"'


def names(given: Sequence[str], etag: str, *, weak: bool = False) -> bool:
    """Whether a list of ETags (the lines of an If-Match or If-None-Match) names this one; "*" names any. A weak one matches
    only where `weak` says that it may."""
    tags = [found for line in given for found in _TAG.findall(line)]
    return any(line.strip() == "*" for line in given) or any(tag == etag and (weak or not mark) for mark, tag in tags)
