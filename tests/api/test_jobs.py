"""Jobs over the API: their story, their money, early versions, and what can be said to one."""

from __future__ import annotations

import pytest

from image_studio import storage
from image_studio.api import job_rows
from image_studio.models import Asset, Event, Job
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import publish
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
    return factories.make_set(brand, channels=factories.make_channels("square"), shrink=12)


@pytest.fixture
def job(made):
    return made.jobs.get()


@pytest.fixture
def creator(as_role):
    return as_role("creator")


def test_a_row_and_a_detail_have_the_keys_that_the_document_says(creator, job):
    drain()
    row = creator.read("jobs/")["results"][0]
    assert set(row) == set(job_rows.JobRow().fields)
    detail = creator.read(row["url"])
    assert set(detail) == set(job_rows.JobDetail().fields)
    assert detail == {**detail, **row}
    (output,), (attempt,) = detail["outputs"], detail["attempts"]
    assert set(output) == set(job_rows.OutputRow().fields)
    assert set(attempt) == set(job_rows.AttemptRow().fields)
    assert (output["fault"], attempt["state"], attempt["error"]) == (None, "answered", None)
    assert Asset.objects.get(pk=output["asset"]).kind == "raw"
    assert (detail["state"], detail["error"], detail["actions"]) == ("done", None, [])


def test_nothing_of_the_vendor_or_the_machine_is_told(creator, job):
    """Request, worker, host and raw usage stay inside."""
    drain()
    attempt = job.attempts.get()
    text = creator.ask("GET", f"jobs/{job.pk}/", status=200).content.decode()
    assert attempt.host not in text
    assert str(attempt.worker) not in text
    assert "request" not in creator.read(f"jobs/{job.pk}/")


def test_a_fault_says_whose_move_it_is(creator, job):
    Job.objects.update(state="blocked", error_code="provider.moderation_blocked")
    row = creator.read("jobs/")["results"][0]
    assert row["error"]["code"] == "provider.moderation_blocked"
    assert "Change the prompt" in row["error"]["message"]
    assert creator.read(row["url"])["actions"] == ["retry"]


def test_lists_are_narrowed(creator, brand, made, job):
    other = factories.make_job(brand, state="failed", n=2)
    for query, ids in (
        (f"variant_set={made.pk}", [job]),
        ("state=failed", [other]),
        ("kind=picture", [other, job]),
        ("kind=render", []),
        (f"brand={brand.slug}&state=queued", [job]),
        ("brand=nowhere", []),
    ):
        assert [row["id"] for row in creator.read(f"jobs/?{query}")["results"]] == [str(one.pk) for one in ids], query
    for query in ("state=late", "kind=x", "variant_set=1", "variant_set=", "set=1"):
        creator.ask("GET", f"jobs/?{query}", status=400)


def test_a_job_tells_its_story(creator, job):
    drain()
    rows = creator.read(f"jobs/{job.pk}/events/")["results"]
    assert [row["verb"] for row in rows] == ["job.done", "job.spooled", "job.sending", "job.leased"]
    assert set(rows[0]) == set(job_rows.EventRow().fields)
    assert rows[0]["by"] == "worker"


def test_a_poller_is_told_what_changed(creator, job):
    path = f"jobs/{job.pk}/"
    first = creator.ask("GET", path, status=200)
    assert int(first["Retry-After"]) > 0
    creator.ask("GET", path, status=304, if_none_match=first["ETag"])
    drain()
    last = creator.ask("GET", path, status=200, if_none_match=first["ETag"])
    assert "Retry-After" not in last.headers


def test_a_job_is_cancelled_and_asked_for_again(creator, made, job):
    detail = creator.say(f"jobs/{job.pk}/cancel/", status=200)
    assert (detail["state"], detail["actions"]) == ("cancelled", ["retry"])
    assert made.variants.get().state == "cancelled"
    is_problem(creator.ask("POST", f"jobs/{job.pk}/cancel/", {}), 409, "job.wrong_state")
    path = f"jobs/{job.pk}/retry/"
    is_problem(creator.ask("POST", path, {}), 400, "idempotency.key_missing")
    first = creator.ask("POST", path, status=202, idempotency_key="k")
    assert (first.json()["state"], first["Location"]) == ("queued", first.json()["url"])
    drain()
    second = creator.ask("POST", path, status=202, idempotency_key="k")
    assert (second.content, second["Idempotency-Replayed"]) == (first.content, "true")
    assert (made.variants.get().state, job.attempts.count()) == ("ready", 1)
    is_problem(creator.ask("POST", path, idempotency_key="l"), 409, "job.wrong_state")


def test_a_running_job_is_asked_to_stop(creator, job):
    Job.objects.update(state="sending")
    detail = creator.say(f"jobs/{job.pk}/cancel/", status=200)
    assert (detail["state"], detail["cancel_requested_at"] is not None) == ("sending", True)
    assert detail["actions"] == ["retry"]


def test_an_unknown_outcome_is_never_resent(creator, job):
    Job.objects.update(state="unknown")
    for verb in ("cancel", "retry"):
        answer = creator.ask("POST", f"jobs/{job.pk}/{verb}/", {}, idempotency_key=fresh_key())
        assert "charged" in is_problem(answer, 409, "job.unknown_outcome")["detail"]
    assert Job.objects.get().state == "unknown"


def test_a_local_job_is_done_by_a_new_one(as_role, brand):
    asset = factories.make_asset(brand, (64, 48), state="approved")
    reviewer = as_role("reviewer")
    old = publish(Policy(reviewer.user), asset)
    reviewer.say(f"jobs/{old.pk}/cancel/", status=200)
    answer = reviewer.ask("POST", f"jobs/{old.pk}/retry/", status=202, idempotency_key="k")
    assert answer.json()["id"] != str(old.pk)
    assert reviewer.read(answer["Location"])["asset"] == str(asset.pk)
    is_problem(as_role("creator").ask("POST", f"jobs/{answer.json()['id']}/cancel/", {}), 403, "policy.not_allowed")


def test_an_early_version_is_shown_while_the_job_works(creator, stranger, job):
    name = storage.write(storage.private(), "partials/1.png", factories.encoded(factories.draw_photo((16, 16))))
    Job.objects.update(state="sending", partials={"0": {"file": name, "number": 1, "format": "png"}})
    (early,) = creator.read(f"jobs/{job.pk}/")["partials"]
    assert (early["index"], early["number"]) == (0, 2)
    answer = creator.ask("GET", early["url"], status=200)
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert answer["Cache-Control"] == "private, no-store"
    assert answer.content.startswith(b"\x89PNG")
    is_problem(stranger.ask("GET", early["url"]), 404, "not_found")
    is_problem(creator.ask("GET", f"jobs/{job.pk}/partials/7/"), 404, "not_found")
    is_problem(creator.ask("GET", f"jobs/{job.pk}/partials/{10**30}/"), 404, "not_found")
    Job.objects.update(state="done")
    is_problem(creator.ask("GET", early["url"]), 404, "not_found")


def test_a_job_of_another_brand_is_not_there(stranger, nobody, job):
    for path in ("", "events/", "partials/0/"):
        is_problem(stranger.ask("GET", f"jobs/{job.pk}/{path}"), 404, "not_found")
        is_problem(nobody.ask("GET", f"jobs/{job.pk}/{path}"), 401, "auth.required")
    for verb in ("cancel", "retry"):
        answer = stranger.ask("POST", f"jobs/{job.pk}/{verb}/", {}, idempotency_key=fresh_key())
        is_problem(answer, 404, "not_found")
    assert stranger.read("jobs/")["results"] == []
    assert Job.objects.get().state == "queued"


def test_roles_decide(as_role, job):
    viewer, own = as_role("viewer"), as_role("creator", own_only=True)
    assert viewer.read(f"jobs/{job.pk}/")["actions"] == []
    for verb in ("cancel", "retry"):
        answer = viewer.ask("POST", f"jobs/{job.pk}/{verb}/", {}, idempotency_key=fresh_key())
        is_problem(answer, 403, "policy.not_allowed")
        answer = own.ask("POST", f"jobs/{job.pk}/{verb}/", {}, idempotency_key=fresh_key())
        is_problem(answer, 404, "not_found")
    Job.objects.update(requested_by=own.user)
    own.say(f"jobs/{job.pk}/cancel/", status=200)


def test_ids_that_are_none(creator):
    for pk in (NOWHERE, "1", "x" * 300, NOWHERE.upper() + "Z"):
        is_problem(creator.ask("GET", f"jobs/{pk}/"), 404, "not_found")


def test_a_list_costs_the_same_queries_at_any_size(creator, brand, job, django_assert_num_queries):
    for _more in range(4):
        factories.make_job(brand)
    with django_assert_num_queries(3):  # the token, the memberships, the rows
        assert len(creator.read("jobs/")["results"]) == 5
    assert Event.objects.count() == 0
    assert API(creator.user).read("jobs/?limit=2")["next"]
