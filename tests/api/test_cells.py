"""Cells over the API: listed in the order of the matrix, cancelled and retried one by one."""

from __future__ import annotations

import pytest

from image_studio.api import set_rows
from image_studio.models import CheckResult, Job, Variant, VariantSet
from image_studio.runner import drain
from tests import factories
from tests.api.conftest import API, is_problem
from tests.api.work import NOWHERE, fresh_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def idle(folder, settings):
    """Nobody works until a test says so, and nothing is judged."""
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll", "BRAND_CHECKS": ()}


@pytest.fixture
def made(brand):
    return factories.make_set(
        brand, channels=factories.make_channels("square", "story"), locales=("en", "ar"), shrink=12
    )


@pytest.fixture
def creator(as_role):
    return as_role("creator")


def path_of(made, cell=None, verb=""):
    return f"variant-sets/{made.pk}/cells/" + (f"{cell.pk}/{verb}/" if cell else "")


def test_a_cell_says_everything_that_a_page_shows(creator, made, brand):
    drain()
    rows = creator.read(path_of(made))["results"]
    assert [(row["channel"], row["locale"], row["take"]) for row in rows] == [
        ("square", "en", 1),
        ("square", "ar", 1),
        ("story", "en", 1),
        ("story", "ar", 1),
    ]
    row = rows[0]
    assert set(row) == set(set_rows.CellRow().fields)
    assert (row["status"], row["message"], row["asset_state"], row["judged"]) == ("ready", "", "candidate", False)
    assert (row["width"], row["height"]) == (90, 90)
    picture = API(creator.user).ask("GET", row["content_url"], status=200)
    assert picture["Content-Type"].startswith("image/")
    assert creator.read(row["asset_url"])["id"] == row["asset"]
    assert "shortlist" in row["actions"]
    assert "approve" not in row["actions"]  # a placeholder, and a creator


def test_what_the_checks_found_is_counted(as_role, made):
    drain()
    asset = made.variants.first().asset
    for verdict, blocks in (("pass", False), ("warn", False), ("fail", True), ("not_run", False)):
        CheckResult.objects.create(
            asset=asset, check_name="c", kind="measured", verdict=verdict, blocks=blocks, code=f"check.{verdict}"
        )
    row = as_role("viewer").read(path_of(made))["results"][0]
    assert row["verdicts"] == {"passed": 1, "warned": 1, "failed": 1, "not_run": 1}
    assert (row["blocking"], row["actions"]) == (["check.fail"], [])


def test_cells_come_in_pages_and_are_narrowed(creator, made):
    first = creator.read(path_of(made) + "?limit=3")
    second = creator.read(first["next"])
    assert [len(first["results"]), len(second["results"]), second["next"]] == [3, 1, None]
    assert creator.read(second["previous"])["results"] == first["results"]
    assert len(creator.read(path_of(made) + "?channel=story&state=waiting")["results"]) == 2
    assert creator.read(path_of(made) + "?state=ready")["results"] == []
    for query, status in (("state=late", 400), ("take=1", 400), ("cursor=WzBd", 422)):
        creator.ask("GET", f"{path_of(made)}?{query}", status=status)


def test_pages_of_cells_cost_the_same_queries_at_any_size(creator, made, django_assert_num_queries):
    drain()
    small, fresh = made.variants.count(), API(creator.user)
    with django_assert_num_queries(10) as queries:
        assert len(creator.read(path_of(made))["results"]) == small
    big = factories.make_set(made.brand, channels=factories.make_channels("square"), takes=6, shrink=12)
    drain()
    with django_assert_num_queries(len(queries)):
        assert len(fresh.read(path_of(big))["results"]) == 6


def test_a_poller_of_cells_is_told_when_something_changed(creator, made):
    first = creator.ask("GET", path_of(made), status=200)
    assert int(first["Retry-After"]) > 0
    creator.ask("GET", path_of(made), status=304, if_none_match=first["ETag"])
    drain()
    last = creator.ask("GET", path_of(made), status=200, if_none_match=first["ETag"])
    assert "Retry-After" not in last.headers


def test_one_cell_is_cancelled(creator, made):
    cell = made.variants.first()
    row = creator.say(path_of(made, cell, "cancel"), status=200)
    assert (row["id"], row["status"], row["actions"]) == (str(cell.pk), "cancelled", ["retry"])
    assert Job.objects.filter(state="queued").count() == 2
    drain()
    assert sorted(made.variants.values_list("state", flat=True)) == ["cancelled", "ready", "ready", "ready"]


def test_a_cell_that_finished_first_is_not_lost(creator, made):
    """The button was there when the page was drawn; the picture came before the click."""
    cell = made.variants.first()
    drain()
    body = is_problem(creator.ask("POST", path_of(made, cell, "cancel"), {}), 409, "variant.wrong_state")
    assert "Ready" in body["detail"]
    row = creator.read(path_of(made))["results"][0]
    assert (row["status"], row["asset"] is not None) == ("ready", True)


def test_retry_is_keyed_and_happens_once(creator, made):
    cell = made.variants.first()
    creator.say(path_of(made, cell, "cancel"), status=200)
    path = path_of(made, cell, "retry")
    is_problem(creator.ask("POST", path, {}), 400, "idempotency.key_missing")
    first = creator.ask("POST", path, status=202, idempotency_key="k")
    assert first["Location"].endswith(f"/variant-sets/{made.pk}/")
    drain()
    second = creator.ask("POST", path, status=202, idempotency_key="k")
    assert (second.content, second["Idempotency-Replayed"]) == (first.content, "true")
    assert set(made.variants.values_list("state", flat=True)) == {"ready"}
    is_problem(creator.ask("POST", path, idempotency_key="other"), 409, "variant.wrong_state")


def test_what_may_have_been_charged_is_not_sent_again(creator, made):
    made.jobs.update(state="unknown", error_code="provider.connection_lost")
    cell = made.variants.first()
    answer = creator.ask("POST", path_of(made, cell, "retry"), idempotency_key="k")
    assert "charged" in is_problem(answer, 409, "job.unknown_outcome")["detail"]
    row = creator.read(path_of(made))["results"][0]
    assert (row["status"], row["actions"]) == ("unknown", [])
    assert "charged" in row["message"]


def test_a_cell_of_another_set_is_not_there(creator, brand, made):
    other = factories.make_set(brand, channels=factories.make_channels("square"))
    foreign = factories.make_set(factories.make_bare_brand(), channels=factories.make_channels("square"))
    for verb in ("cancel", "retry"):
        for cell in (other.variants.first(), foreign.variants.first(), Variant(pk=NOWHERE)):
            answer = creator.ask("POST", path_of(made, cell, verb), {}, idempotency_key=fresh_key())
            is_problem(answer, 404, "not_found")
    assert not Variant.objects.exclude(state="waiting").exists()


def test_roles_decide(as_role, stranger, made):
    cell = made.variants.first()
    for verb in ("cancel", "retry"):
        path = path_of(made, cell, verb)
        is_problem(as_role("viewer").ask("POST", path, {}, idempotency_key=fresh_key()), 403, "policy.not_allowed")
        is_problem(stranger.ask("POST", path, {}, idempotency_key=fresh_key()), 404, "not_found")
        own = as_role("creator", own_only=True)
        is_problem(own.ask("POST", path, {}, idempotency_key=fresh_key()), 404, "not_found")
        VariantSet.objects.update(requested_by=own.user)
        own.ask("POST", path, {}, status=200 if verb == "cancel" else 202, idempotency_key=fresh_key())
        VariantSet.objects.update(requested_by=None)


@pytest.mark.parametrize("body", [b"[]", b'{"force": true}', b'{"state": "ready"}'])
def test_verbs_take_no_words(creator, made, body):
    cell = made.variants.first()
    for verb in ("cancel", "retry"):
        creator.ask("POST", path_of(made, cell, verb), body, status=400, idempotency_key=fresh_key())
    assert Variant.objects.get(pk=cell.pk).state == "waiting"
