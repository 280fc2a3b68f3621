"""The API's sittings that wait for a time: added once, changed by the version that was seen, taken off, and as files."""

from __future__ import annotations

import base64

from tests.dispatch.web.api.conftest import Json, Programs
from tests.dispatch.web.conftest import Site


def order(site: Site, number: int = 1, **changes: object) -> Json:
    return {
        "case_number": f"（2026）京0105民初{number}号",
        "case_title": "合同纠纷",
        "chair_id": site.users["judge"].id,
        "participants": [{"name": "刘芳", "role": "party"}],
    } | changes


async def test_sent_twice_under_a_key_it_waits_once(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/waiting", order(site), Idempotency_Key="w1")
    assert (await clerk.made("/waiting", order(site), Idempotency_Key="w1"))["id"] == made["id"]
    status, problem, _ = await clerk.ask("POST", "/waiting", order(site, 2), Idempotency_Key="w1")
    assert (status, problem["code"], problem["errors"][0]["header"]) == (422, "key_reused", "Idempotency-Key")
    assert [each["id"] for each in (await clerk.get("/waiting"))["items"]] == [made["id"]]
    # What was refused leaves no key.
    status, _, _ = await clerk.ask("POST", "/waiting", order(site, 3, deadline="2026-01-01"), Idempotency_Key="w2")
    assert status == 422
    await clerk.made("/waiting", order(site, 3), Idempotency_Key="w2")
    # Of another program the key is another one.
    other = await program("clerk")
    assert (await other.made("/waiting", order(site), Idempotency_Key="w1"))["id"] != made["id"]


async def test_it_is_changed_by_the_version_that_was_seen_and_taken_off(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/waiting", order(site))
    path = f"/waiting/{made['id']}"
    _, _, answer = await clerk.ask("GET", path)
    seen = answer.headers["ETag"]
    status, changed, answer = await clerk.ask("PATCH", path, {"minutes": 45, "deadline": "2026-12-09", "required": True}, If_Match=seen)
    assert (status, changed) == (200, made | {"minutes": 45, "deadline": "2026-12-09", "required": True})
    for method, given in (("PATCH", {"minutes": 50}), ("DELETE", None)):
        status, problem, _ = await clerk.ask(method, path, given, If_Match=seen)
        assert (status, problem["code"]) == (412, "version_changed")
    assert await clerk.get(path) == changed
    assert (await clerk.ask("GET", path, If_None_Match=answer.headers["ETag"]))[0] == 304
    status, problem, _ = await clerk.ask("PATCH", path, {"minutes": 5, "part": "night"})
    assert (status, sorted(each["pointer"] for each in problem["errors"])) == (422, ["#/minutes", "#/part"])
    assert (await clerk.ask("DELETE", path, If_Match=answer.headers["ETag"]))[0] == 204
    assert (await clerk.ask("GET", path))[0] == 404


async def test_a_list_is_looked_at_and_added_row_by_row_once(site: Site, program: Programs) -> None:
    clerk = await program("clerk", language="zh-CN")
    heading, person = "案号,案件名称,时长（分钟）,审判长,参加人", "刘芳|当事人"
    text = f"{heading}\n（2026）京0105民初1号,合同,90,任意,{person}\n（2026）京0105民初2号,合同,九十,无此人,{person}\n"
    given = {"file_name": "list.csv", "text": text}
    status, body, _ = await clerk.ask("POST", "/waiting-imports", given | {"take": "preview"})
    assert (status, body["good"], body["bad"], body["added"]) == (200, 1, 1, 0)
    bad = body["rows"][1]
    assert (bad["number"], {(each["column"], each["code"]) for each in bad["errors"]}) == (
        3, {("minutes", "number_wanted"), ("chair", "import_unknown")},
    )  # fmt: skip
    assert any("无此人" in each["detail"] for each in bad["errors"])
    status, body, _ = await clerk.ask("POST", "/waiting-imports", given | {"take": "all"})
    assert (status, body["added"], (await clerk.get("/waiting"))["items"]) == (200, 0, [])
    status, body, _ = await clerk.ask("POST", "/waiting-imports", given | {"take": "good"})
    added = body["rows"][0]["waiting_id"]
    assert (status, body["added"], [each["id"] for each in (await clerk.get("/waiting"))["items"]]) == (200, 1, [added])
    status, body, _ = await clerk.ask("POST", "/waiting-imports", given | {"take": "good"})
    assert (body["known"], body["rows"][0]["waiting_id"]) == (1, added)
    for wrong, pointer in (
        ({"text": ""}, "#/text"),
        ({"file_name": "list.ics"}, "#/file_name"),
        ({"text": "", "base64": "§"}, "#/base64"),
        ({"text": "案号\n1\n"}, "#/text"),
        ({"take": "some"}, "#/take"),
    ):
        status, problem, _ = await clerk.ask("POST", "/waiting-imports", given | {"take": "preview"} | wrong)
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer), wrong


async def test_what_waits_is_taken_out_and_known_when_it_comes_again(site: Site, program: Programs) -> None:
    clerk = await program("clerk", language="zh-CN")
    made = await clerk.made("/waiting", order(site, title="首次开庭"))
    for kind in ("csv", "xlsx"):
        answer = await clerk.session.get(f"/api/v1/exports/waiting.{kind}", headers={})
        assert (answer.status, answer.headers["Content-Disposition"]) == (200, f'attachment; filename="waiting.{kind}"')
        body, tag = await answer.read(), answer.headers["ETag"]
        again = await clerk.session.get(f"/api/v1/exports/waiting.{kind}", headers={"If-None-Match": tag})
        assert again.status == 304
        sent = {"file_name": f"list.{kind}", "base64": base64.b64encode(body).decode(), "take": "good"}
        _, found, _ = await clerk.ask("POST", "/waiting-imports", sent)
        assert [(row["state"], row["waiting_id"]) for row in found["rows"]] == [("known", made["id"])]
    officer = await program("officer")
    assert (await officer.ask("GET", "/exports/waiting.csv"))[0] == 403
