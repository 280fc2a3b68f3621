"""The page of reports: teams are named in the language of the page."""

from __future__ import annotations

import pytest

from tests.dispatch.web.conftest import Site
from tests.dispatch.web.test_field import Out, out  # noqa: F401


@pytest.mark.parametrize(("language", "named", "not_named"), [("zh-CN", "望河中队", "Wanghe team"), ("en", "Wanghe team", "望河中队")])
async def test_a_team_is_named_in_the_language_of_the_page(site: Site, out: Out, language: str, named: str, not_named: str) -> None:  # noqa: F811
    await out.task()
    page = await out.officer.page(f"/console/reports?unit=month&language={language}")
    assert named in page
    assert not_named not in page
