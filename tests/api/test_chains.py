"""Edit chains over the API: begin, price, order, look, decide, fork, and what is refused."""

# ruff: noqa: F811 fixtures and the arguments that are given them have one name

from __future__ import annotations

from datetime import timedelta

import pytest

from image_studio import storage
from image_studio.models import EditCandidate, EditChain, EditFile, EditStep, IdempotencyKey, Job
from image_studio.runner import drain
from tests import factories
from tests.api.conftest import is_problem
from tests.api.edits import GREEN, SIZE, ask, brand, chain, fake, keyed, mara, source, step  # noqa: F401 fixtures
from tests.api.work import NOWHERE, fresh_key
from tests.workflow.chains import LEFT

pytestmark = pytest.mark.django_db(transaction=True)


# Begin -------------------------------------------------------------------------------------------------------------


def test_a_chain_begins_with_a_picture_once_a_key_and_free(mara, brand, source):
    body = {"brand": brand.slug, "asset": str(source.pk)}
    first = keyed(mara, "chains/", body, status=201, key="k")
    again = keyed(mara, "chains/", body, status=201, key="k")
    assert again.json() == first.json()
    assert (again["Idempotency-Replayed"], "Retry-After" in again) == ("true", False)
    made = first.json()
    assert first["Location"] == made["url"]
    assert (made["title"], made["state"], made["head"], made["length"]) == ("Tea tin", "open", 1, 1)
    assert (made["source"], made["brand"], made["by"]) == (str(source.pk), brand.slug, mara.user.get_username())
    assert (EditChain.objects.count(), Job.objects.count()) == (1, 0)


def test_a_chain_begins_with_words(mara, brand, fake):
    prompt = {"instruction": "A red tin of tea", "route": "quick", "ratio": "3:2"}
    told = keyed(mara, "chains/", {"brand": brand.slug, "title": "Tins", "prompt": prompt})
    drain()
    found = mara.read(told["Location"])
    assert (found["kind"], found["status"], found["parent"]) == ("generate", "ready", None)
    assert found["candidates"][0]["width"] > found["candidates"][0]["height"]
    assert mara.read(told.json()["chain_url"])["title"] == "Tins"
    assert len(fake.charged()) == 1


@pytest.mark.parametrize("body", [{}, {"asset": NOWHERE, "prompt": GREEN}])
def test_a_chain_begins_with_one_of_picture_and_words(mara, brand, body):
    answer = mara.ask("POST", "chains/", {"brand": brand.slug, **body}, idempotency_key="k")
    assert list(is_problem(answer, 422, "request.invalid")["errors"]) == ["asset"]


def test_a_composed_picture_begins_with_the_one_below_it(mara, brand, source):
    composed = factories.make_asset(
        brand, SIZE, kind="composed", origin="compose", parent=source, recipe={"layers": []}, locale="en"
    )
    made = keyed(mara, "chains/", {"brand": brand.slug, "asset": str(composed.pk)}, status=201).json()
    assert made["source"] == str(source.pk)


def test_chains_are_listed_and_narrowed(mara, brand, source, chain):
    other = factories.make_asset(brand, (64, 64), title="Cup")
    keyed(mara, "chains/", {"brand": brand.slug, "asset": str(other.pk)}, status=201)
    rows = mara.read("chains/")["results"]
    assert [row["title"] for row in rows] == ["Cup", "Tea tin"]
    assert set(rows[0]) == set(chain)
    for query in (f"source={source.pk}", "q=TEA", f"brand={brand.slug}&q=tin"):
        assert [row["id"] for row in mara.read(f"chains/?{query}")["results"]] == [chain["id"]]
    assert mara.read("chains/?state=closed")["results"] == []
    page = mara.read("chains/?limit=1")
    assert [row["id"] for row in mara.read(page["next"])["results"]] == [chain["id"]]
    is_problem(mara.ask("GET", "chains/?source=x"), 400, "request.invalid")


def test_a_chain_is_named_closed_and_opened_again(mara, chain):
    path = f"chains/{chain['id']}/"
    said = mara.say(path, {"title": "Spring", "state": "closed"}, status=200, method="PATCH")
    assert (said["title"], said["state"]) == ("Spring", "closed")
    assert mara.read(path)["actions"] == ["rename", "reopen"]
    refused = keyed(mara, f"{path}steps/", GREEN, status=409)
    assert "Open it again" in is_problem(refused, 409, "chain.closed")["detail"]
    assert mara.say(path, {"state": "open"}, status=200, method="PATCH")["state"] == "open"
    assert ask(mara, chain)["step"] == 2


# Price and order ---------------------------------------------------------------------------------------------------


def test_a_step_is_priced_on_every_route_before_it_is_ordered(mara, chain):
    path = f"chains/{chain['id']}/steps/preview/"
    plan = mara.say(path, {**GREEN, "region": LEFT, "candidates": 2}, status=200)
    assert (plan["kind"], plan["route"], plan["pictures"], plan["blocked"]) == ("inpaint", "quick", 2, False)
    assert 0 < plan["price"]["likely"] <= plan["price"]["most"]
    assert (plan["width"], plan["height"]) == SIZE
    routes = {row["name"]: row for row in plan["routes"]}
    assert routes["quick"]["price"] == plan["price"]
    assert routes["premium"]["price"]["most"] > plan["price"]["most"]
    assert (routes["reframe"]["usable"], routes["reframe"]["price"]) == (False, None)
    assert routes["reframe"]["reasons"][0]["message"].endswith(".")
    assert (EditStep.objects.count(), Job.objects.count(), EditFile.objects.count()) == (1, 0, 0)


def test_without_a_route_the_cheapest_that_can_is_priced(mara, chain):
    path = f"chains/{chain['id']}/steps/preview/"
    plan = mara.say(path, {"instruction": "Greener"}, status=200)
    cheapest = min(row["price"]["most"] for row in plan["routes"] if row["usable"])
    assert (plan["price"]["most"], plan["blocked"]) == (cheapest, False)
    wide = mara.say(path, {"kind": "extend", "ratio": "2:1"}, status=200)
    assert (wide["route"], wide["price"]["free"]) == ("reframe", True)
    told = ask(mara, chain, instruction="Greener", route=plan["route"], digest=plan["digest"])
    assert told["step"] == 2


def test_a_step_is_ordered_once_a_key_and_polled(mara, chain, fake):
    body = {**GREEN, "region": LEFT}
    path = f"chains/{chain['id']}/steps/"
    first = keyed(mara, path, body, key="k")
    again = keyed(mara, path, body, key="k")
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    is_problem(mara.ask("POST", path, GREEN, idempotency_key="k"), 422, "idempotency.other_body")
    is_problem(mara.ask("POST", path, body), 400, "idempotency.key_missing")
    waiting = mara.ask("GET", first["Location"], status=200)
    assert (waiting.json()["status"], int(waiting["Retry-After"]) > 0) == ("waiting", True)
    assert EditFile.objects.count() == 1
    drain()
    done = mara.ask("GET", first["Location"], status=200, if_none_match=waiting["ETag"])
    assert "Retry-After" not in done
    assert mara.ask("GET", first["Location"], if_none_match=done["ETag"]).status_code == 304
    found = done.json()
    (picture,) = found["candidates"]
    assert (found["status"], found["state"], found["parent"], found["job"]) == ("ready", "open", 1, first.json()["job"])
    assert (picture["paste"]["pasted"], picture["pasted"], picture["drift"]) == (True, True, 0)
    assert picture["drifted_raw"]["mean"] > 0
    assert picture["asset"] != picture["raw"]
    assert found["inputs"][0]["role"] == "source"
    assert found["inputs"][1]["role"] == "mask"
    assert found["order"]["region"] == list(LEFT)
    assert found["micro_usd"] == fake.charged()[0]["micro_usd"]
    assert mara.ask("GET", picture["preview"]).status_code == 200


def test_a_changed_price_is_refused(mara, chain):
    answer = keyed(mara, f"chains/{chain['id']}/steps/", {**GREEN, "digest": "0" * 64}, status=409)
    is_problem(answer, 409, "preview.changed")
    assert not IdempotencyKey.objects.filter(answer__isnull=True).exists()


def test_a_refused_order_leaves_no_mask(mara, chain, tmp_path):
    answer = keyed(mara, f"chains/{chain['id']}/steps/", {**GREEN, "region": LEFT, "digest": "0" * 64}, status=409)
    is_problem(answer, 409, "preview.changed")
    assert not EditFile.objects.exists()
    root = tmp_path / "media"
    assert not [path for path in root.parent.rglob("*edits*") if path.is_file()]


def test_references_go_along_in_their_roles(mara, brand, chain):
    style = factories.make_asset(brand, (64, 64))
    ask(mara, chain, kind="restyle", references=[{"role": "style", "asset": str(style.pk)}])
    found = step(mara, chain, 2)
    assert [row["role"] for row in found["inputs"]] == ["source", "style"]
    assert found["order"]["references"] == [{"role": "style", "asset": str(style.pk)}]
    # As it stands there it can be asked again.
    plan = mara.say(f"chains/{chain['id']}/steps/preview/", found["order"], status=200)
    assert plan["kind"] == "restyle"


BAD_ORDERS = {
    "a reference of nobody's": (
        {"references": [{"role": "style", "asset": NOWHERE}]},
        422,
        "option.no_such_picture",
    ),
    "no place": ({"kind": "inpaint"}, 422, "step.no_mask"),
    "a place outside": ({"region": [1.5, 0, 0.2, 0.2]}, 422, "mask.outside"),
    "a place that is everything": ({"region": [0, 0, 1, 1]}, 422, "mask.full"),
    "a place in pixels": ({"region": [0, 0, 100, 100]}, 400, "request.invalid"),
    "a place of three numbers": ({"region": [0, 0, 1]}, 400, "request.invalid"),
    "two places": ({"region": LEFT, "polygons": [[[0, 0], [0.5, 0], [0, 0.5]]]}, 422, "step.two_masks"),
    "a polygon of two points": ({"polygons": [[[0, 0], [0.5, 0]]]}, 400, "request.invalid"),
    "a mask of another chain": ({"mask": NOWHERE}, 422, "step.no_such_file"),
    "no words": ({"instruction": " "}, 422, "step.no_instruction"),
    "an unknown route": ({"route": "teleport"}, 422, "request.unknown_route"),
    "a shape that is none": ({"kind": "extend", "ratio": "nan:1"}, 422, "step.bad_ratio"),
    "a shape without end": ({"kind": "extend", "ratio": "1e308:1"}, 422, "step.bad_ratio"),
    "a beginning": ({"kind": "generate"}, 400, "request.invalid"),
    "nine candidates": ({"candidates": 9}, 400, "request.invalid"),
    "a step that there is not": ({"parent": 9}, 422, "chain.no_such_step"),
    "a picture that there is not": ({"candidate": 4}, 422, "chain.no_such_candidate"),
    "a huge number": ({"parent": 10**12}, 400, "request.invalid"),
    "words that the brand forbids": ({"instruction": "A miracle bottle"}, 422, "terms.prohibited_prompt"),
    "a field that there is not": ({"prompt": "x"}, 400, "request.invalid"),
}


@pytest.mark.parametrize(("order", "status", "code"), BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_bad_orders_are_refused_with_words(mara, chain, order, status, code):
    path = f"chains/{chain['id']}/steps/"
    answer = mara.ask("POST", path, {**GREEN, **order}, idempotency_key=fresh_key())
    assert answer.status_code == status, answer.content
    assert is_problem(answer, status, answer.json()["code"])["code"].startswith(code.removesuffix("_prompt"))
    assert (EditStep.objects.count(), Job.objects.count(), EditFile.objects.count()) == (1, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        '{"route": "quick", "instruction": "a\\u0000b"}',
        '{"route": "quick", "instruction": "\\ud83d"}',
        '{"route": "quick", "polygons": ' + "[" * 40 + "]" * 40 + "}",
        '{"route": "quick", "region": [NaN, 0, 1, 1]}',
    ],
    ids=["a NUL", "half a pair", "forty levels", "no number"],
)
def test_broken_bodies_are_malformed(mara, chain, body):
    answer = mara.ask("POST", f"chains/{chain['id']}/steps/", body, idempotency_key="k")
    is_problem(answer, 400, "request.malformed")


# What came of it ---------------------------------------------------------------------------------------------------


def test_moderation_is_said_at_the_step_with_what_to_try(mara, chain):
    ask(mara, chain, instruction="Make it [flag:violence]")
    found = step(mara, chain, 2)
    assert (found["status"], found["error"]["code"]) == ("blocked", "provider.moderation_blocked")
    assert "Change the prompt" in found["error"]["message"]
    (row,) = [row for row in mara.read(f"chains/{chain['id']}/")["steps"] if row["number"] == 2]
    assert row["error"] == found["error"]
    refused = keyed(mara, f"chains/{chain['id']}/steps/", {**GREEN, "parent": 2}, status=409)
    is_problem(refused, 409, "chain.parent_empty")


def test_a_parent_whose_file_is_gone_is_said_at_the_step(mara, chain, source, fake):
    ask(mara, chain, work=False)
    storage.private().delete(source.file)
    drain()
    found = step(mara, chain, 2)
    assert (found["status"], found["error"]["code"]) == ("failed", "storage.missing")
    assert fake.charged() == []


def test_a_parent_whose_picture_is_gone_is_a_conflict(mara, chain):
    ask(mara, chain)
    EditCandidate.objects.filter(step__number=2).update(asset=None)
    refused = keyed(mara, f"chains/{chain['id']}/steps/", {**GREEN, "parent": 2}, status=409)
    assert "library" in is_problem(refused, 409, "chain.picture_gone")["detail"]


def test_nothing_grows_from_a_step_that_still_runs(mara, chain):
    ask(mara, chain, work=False)
    path = f"chains/{chain['id']}/"
    mask = {"step": 2, "region": LEFT}
    for where, body in (("steps/", {**GREEN, "parent": 2}), ("fork/", {"step": 2}), ("masks/", mask)):
        answer = mara.ask("POST", f"{path}{where}", body, idempotency_key=fresh_key())
        assert "Wait for it" in is_problem(answer, 409, "chain.parent_running")["detail"]
    is_problem(mara.ask("POST", f"{path}steps/2/choose/", {"candidate": 0}), 409, "chain.parent_running")
    is_problem(mara.ask("POST", f"{path}steps/2/reject/", {"reason": "quality"}), 409, "chain.parent_running")


def test_one_of_several_is_chosen_and_the_head_goes_there(mara, chain):
    ask(mara, chain, candidates=2)
    refused = keyed(mara, f"chains/{chain['id']}/steps/", {**GREEN, "parent": 2}, status=409)
    is_problem(refused, 409, "chain.choose_first")
    path = f"chains/{chain['id']}/steps/2/"
    chosen = mara.say(f"{path}choose/", {"candidate": 1, "head": 1}, status=200)
    assert (chosen["state"], chosen["choice"], chosen["is_head"]) == ("chosen", 1, True)
    assert [row["chosen"] for row in chosen["candidates"]] == [False, True]
    is_problem(mara.ask("POST", f"{path}choose/", {"candidate": 0, "head": 1}), 409, "chain.head_moved")
    is_problem(mara.ask("POST", f"{path}choose/", {"candidate": 7}), 422, "chain.no_such_candidate")
    assert mara.say(f"{path}undecide/", {}, status=200)["state"] == "open"


def test_a_step_is_rejected_with_a_reason_and_taken_back(mara, chain):
    ask(mara, chain)
    path = f"chains/{chain['id']}/steps/2/"
    mara.say(f"{path}choose/", {"candidate": 0}, status=200)
    assert "take" not in step(mara, chain, 2)["actions"]  # no contact sheet
    said = mara.say(f"{path}reject/", {"reason": "too_much", "note": "The lid moved"}, status=200)
    assert (said["state"], said["reason"], said["note"], said["is_head"]) == (
        "rejected",
        "too_much",
        "The lid moved",
        False,
    )
    assert "reject" not in said["actions"]
    is_problem(mara.ask("POST", f"{path}reject/", {"reason": "why not"}), 400, "request.invalid")
    is_problem(mara.ask("POST", f"chains/{chain['id']}/steps/1/reject/", {"reason": "text"}), 422, "step.start_stays")
    assert mara.say(f"{path}undecide/", status=200)["reason"] == ""


def test_two_who_move_the_head_at_once_hear_of_each_other(mara, as_role, chain):
    ask(mara, chain)
    ask(mara, chain, parent=1)
    path = f"chains/{chain['id']}/head/"
    assert mara.say(path, {"step": 2, "seen": 1}, status=200)["head"] == 2
    late = as_role("creator").ask("POST", path, {"step": 3, "seen": 1})
    assert "step 2" in is_problem(late, 409, "chain.head_moved")["detail"]
    is_problem(mara.ask("POST", path, {"step": 9, "seen": 2}), 422, "chain.no_such_step")
    is_problem(mara.ask("POST", path, {"step": 2}), 400, "request.invalid")


def test_a_step_is_cancelled_and_tried_again(mara, chain, fake):
    ask(mara, chain, work=False)
    path = f"chains/{chain['id']}/steps/2/"
    ordered = Job.objects.get()
    cancelled = mara.say(f"{path}cancel/", {}, status=200)
    assert cancelled["status"] == "cancelled"
    assert cancelled["again"] == {"picture": f"{ordered.pk}:0", "most": ordered.hold_micro_usd}
    is_problem(mara.ask("POST", f"{path}cancel/", {}), 409, "chain.step_over")
    drain()
    assert fake.charged() == []
    most = cancelled["again"]["most"]
    is_problem(keyed(mara, f"{path}retry/", {"most_micro_usd": most - 1}, key="k", status=409), 409, "price.risen")
    first = keyed(mara, f"{path}retry/", {"most_micro_usd": most}, key="k")
    assert keyed(mara, f"{path}retry/", {"most_micro_usd": most}, key="k").content == first.content
    drain()
    ready = step(mara, chain, 2)
    assert (ready["status"], ready["again"]) == ("ready", None)
    assert len(fake.charged()) == 1
    refused = keyed(mara, f"{path}retry/", {}, status=409)
    is_problem(refused, 409, "chain.step_over")


def test_a_fork_is_a_chain_of_its_own(mara, chain):
    ask(mara, chain, region=LEFT)
    answer = mara.ask("POST", f"chains/{chain['id']}/fork/", {"step": 2, "title": "Other way"}, status=201)
    made = answer.json()
    assert answer["Location"] == made["url"]
    assert (made["title"], made["forked_from"], made["forked_step"]) == ("Other way", chain["id"], 2)
    assert made["source"] == step(mara, chain, 2)["candidates"][0]["asset"]
    assert EditChain.objects.count() == 2


def test_what_is_not_there_is_not_found(mara, chain, stranger, nobody):
    for number in (0, 9, 2**31, 2**70):
        assert mara.ask("GET", f"chains/{chain['id']}/steps/{number}/").status_code == 404
    for path in ("", "steps/", "steps/1/", "events/"):
        assert stranger.ask("GET", f"chains/{chain['id']}/{path}").status_code == 404
        assert nobody.ask("GET", f"chains/{chain['id']}/{path}").status_code == 401


def test_lookers_look_and_do_nothing(as_role, mara, chain):
    ask(mara, chain)
    viewer = as_role("viewer")
    found = viewer.read(f"chains/{chain['id']}/")
    assert found["actions"] == []
    assert {verb for row in found["steps"] for verb in row["actions"]} == set()
    is_problem(keyed(viewer, f"chains/{chain['id']}/steps/", GREEN, status=403), 403, "policy.not_allowed")
    is_problem(viewer.ask("POST", f"chains/{chain['id']}/steps/2/choose/", {"candidate": 0}), 403, "policy.not_allowed")


def test_who_sees_only_their_own_sees_only_their_own_chains(as_role, mara, chain):
    other = as_role("creator", own_only=True)
    assert other.read("chains/")["results"] == []
    assert other.ask("GET", f"chains/{chain['id']}/").status_code == 404


def test_nothing_is_told_of_a_candidate_that_is_somebody_elses(as_role, brand):
    own, boss = as_role("creator", own_only=True), as_role("manager")
    source = factories.make_asset(brand, SIZE, created_by=own.user)
    chain = keyed(own, "chains/", {"brand": brand.slug, "asset": str(source.pk)}, status=201).json()
    ask(boss, chain)
    (theirs,) = step(boss, chain, 2)["candidates"]
    (hidden,) = step(own, chain, 2)["candidates"]
    assert theirs["sha256"]
    assert (hidden["asset"], hidden["raw"], hidden["url"], hidden["preview"], hidden["sha256"]) == (*[None] * 4, "")
    (job,) = Job.objects.values_list("pk", flat=True)
    assert own.ask("GET", f"jobs/{job}/partials/0/").status_code == 404


# Events ------------------------------------------------------------------------------------------------------------


def test_events_tell_what_is_worth_a_look(mara, chain, monkeypatch):
    path = f"chains/{chain['id']}/events/"
    ask(mara, chain, work=False)
    first = mara.ask("GET", path, status=200)
    told = first.json()
    assert [row["verb"] for row in told["events"]][:2] == ["chain.begun", "chain.step_requested"]
    assert (told["steps"], told["active"], "Retry-After" in first) == ([2], True, True)
    drain()
    # So much that an event of this very moment counts as settled.
    monkeypatch.setattr("image_studio.api.chains.SETTLED", timedelta(seconds=-60))
    told = mara.read(path)
    assert {row["step"] for row in told["events"] if row["verb"] == "job.done"} == {2}
    assert (told["active"], told["steps"]) == (False, [2])
    quiet = mara.read(f"{path}?after={told['after']}")
    assert (quiet["events"], quiet["steps"], quiet["after"]) == ([], [], told["after"])
    mara.say(f"chains/{chain['id']}/steps/2/choose/", {"candidate": 0}, status=200)
    news = mara.read(f"{path}?after={told['after']}")
    assert [(row["verb"], row["step"]) for row in news["events"]] == [("chain.step_chosen", 2)]
    assert news["head"] == 2
    for junk in ("-1", "x", "1.5", "9" * 30, "٣"):
        is_problem(mara.ask("GET", f"{path}?after={junk}"), 400, "request.invalid")


def test_young_events_are_told_again(mara, chain):
    path = f"chains/{chain['id']}/events/"
    told = mara.read(path)
    assert (len(told["events"]), told["after"]) == (1, 0)
    assert mara.read(path) == told
