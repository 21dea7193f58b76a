"""Every POST that can spend wants a key, and each is answered once: found by the document, so that a new one is too."""

from __future__ import annotations

import pytest

from image_studio.api.document import document
from image_studio.models import Event, Job, VariantSet
from tests import factories
from tests.api.conftest import is_problem
from tests.api.work import matrix, order

pytestmark = pytest.mark.django_db
#: POSTs that make no job that could cost anything, each with the reason.
FREE = {
    "addPromptVersion": "words",
    "adoptJob": "takes in what was paid for",
    "cancelCell": "ends work",
    "cancelJob": "ends work",
    "cancelStep": "ends work",
    "cancelVariantSet": "ends work",
    "chooseCandidate": "a decision",
    "createBudget": "there is one of each, and a second answers 409",
    "createMask": "a file that costs nothing",
    "createPrompt": "words",
    "createRecipe": "words",
    "estimatePrice": "writes nothing",
    "forkChain": "begins with a picture that is there",
    "importChain": "pictures that were bought elsewhere; it makes no job",
    "moveHead": "a decision",
    "previewChange": "writes nothing",
    "previewPrompt": "writes nothing",
    "previewReplace": "writes nothing",
    "previewReplay": "writes nothing",
    "previewStep": "writes nothing",
    "previewVariantSet": "writes nothing",
    "publishAsset": "local work, and asking twice gives the same job",
    "rejectStep": "a decision",
    "resumeSpending": "a switch",
    "stopSpending": "a switch",
    "replaceAsset": "moves links; the same places again change nothing",
    "reviewAsset": "local work, and a picture is approved once",
    "undecideStep": "a decision",
    "uploadAsset": "the same bytes are the same picture",
    "withdrawAsset": "takes away",
    "writeOffJob": "ends a doubt, and twice answers 409",
}


def posts():
    return {item["post"]["operationId"]: item["post"] for item in document()["paths"].values() if "post" in item}


def keyed():
    return {
        name
        for name, said in posts().items()
        if any(one["name"] == "Idempotency-Key" and one["required"] for one in said.get("parameters", ()))
    }


def test_every_post_is_keyed_or_free():
    assert keyed() == set(posts()) - set(FREE)
    again = {"recomposeVariantSet", "resendJob", "retryCell", "retryJob", "retryStep", "retryVariantSet", "takeStep"}
    edits = {"changeThis", "createChain", "createStep", "replayChain", "replayRecipe"}
    assert keyed() == {"createVariantSet", "finishCell", "correctSpending", *edits, *again}


def test_keyed_posts_say_what_a_repeated_key_does():
    for name in keyed():
        said = "201" if name == "correctSpending" else "202"
        assert {said, "400", "409", "422"} <= set(posts()[name]["responses"]), name


@pytest.fixture
def broken(brand):
    """A set whose work failed: everything can be retried."""
    made = factories.make_set(brand, channels=factories.make_channels("square"), shrink=12)
    Job.objects.update(state="failed", error_code="job.crashed")
    return made


@pytest.fixture(autouse=True)
def idle(folder, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}


def paths(made):
    base = f"variant-sets/{made.pk}/"
    cell, job = made.variants.get(), made.jobs.get()
    return [f"{base}retry/", f"{base}cells/{cell.pk}/retry/", f"jobs/{job.pk}/retry/", f"{base}recompose/"]


@pytest.mark.parametrize("number", range(4))
def test_every_keyed_post_keeps_the_same_rules(as_role, broken, number):
    client, path = as_role("creator"), paths(broken)[number]
    is_problem(client.ask("POST", path, {}), 400, "idempotency.key_missing")
    is_problem(client.ask("POST", path, {}, idempotency_key="x" * 101), 400, "idempotency.bad_key")
    assert Job.objects.get().state == "failed"
    first = client.ask("POST", path, {}, status=202, idempotency_key="k")
    told = Event.objects.count()
    second = client.ask("POST", path, {}, status=202, idempotency_key="k")
    assert (second.content, second["Location"], second["Idempotency-Replayed"]) == (
        first.content,
        first["Location"],
        "true",
    )
    assert int(first["Retry-After"]) > 0
    assert (Event.objects.count(), Job.objects.count()) == (told, 1)
    other = paths(broken)[number - 1]
    is_problem(client.ask("POST", other, {}, idempotency_key="k"), 422, "idempotency.other_body")
    assert (Event.objects.count(), Job.objects.count()) == (told, 1)


def test_an_empty_body_and_no_body_are_one(as_role, broken):
    client, path = as_role("creator"), paths(broken)[0]
    first = client.ask("POST", path, status=202, idempotency_key="k")
    assert client.ask("POST", path, {}, status=202, idempotency_key="k").content == first.content


def test_the_order_of_a_bodys_keys_does_not_count(as_role, brand):
    client, body = as_role("creator"), matrix(brand)
    first = order(client, body, key="k")
    assert order(client, dict(reversed(body.items())), key="k").content == first.content
    assert VariantSet.objects.count() == 1


def test_who_lost_the_right_in_between_starts_nothing(as_role, broken):
    client, path = as_role("creator"), paths(broken)[0]
    client.user.studio_memberships.update(role="viewer")
    is_problem(client.ask("POST", path, {}, idempotency_key="k"), 403, "policy.not_allowed")
    client.user.studio_memberships.update(role="creator")
    client.ask("POST", path, {}, status=202, idempotency_key="k")


def test_spending_has_a_rate_of_its_own(as_role, broken, settings, monkeypatch):
    monkeypatch.setattr("image_studio.api.throttling.time.time", lambda: 6000.0)
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "API_RATES": {"spend": "2/min"}}
    client = as_role("creator")
    answers = [client.ask("POST", path, {}, idempotency_key="k") for path in (*paths(broken)[:3], "variant-sets/")]
    assert [answer.status_code for answer in answers] == [202, 422, 429, 429]
    is_problem(answers[3], 429, "throttled")
    assert int(answers[3]["Retry-After"]) == 60
    client.read("jobs/")
