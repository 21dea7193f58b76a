"""Variant sets over the API: priced, ordered once, watched, cancelled, retried, recomposed, packed."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from image_studio.api import set_rows
from image_studio.models import Asset, Attempt, Job, Variant, VariantSet
from tests import factories
from tests.api.conftest import API, is_problem
from tests.api.work import NOWHERE, fresh_key, matrix, order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain(folder, settings):
    """No verdicts, where a test does not ask for them."""
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "BRAND_CHECKS": ()}


@pytest.fixture
def worked(django_capture_on_commit_callbacks):
    """Runs what waits for the commit, so that the inline doorbell rings."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def creator(as_role):
    return as_role("creator")


# Preview ------------------------------------------------------------------------------------------------------------


def test_a_preview_counts_and_prices_and_writes_nothing(creator, brand):
    body = creator.say("variant-sets/preview/", matrix(brand, takes=2), status=200)
    assert set(body) == set(set_rows.SetPreview().fields)
    assert (body["pictures"], body["cells"]) == (4, 8)
    assert body["price"] == {"likely": 0, "most": 0, "free": True}
    assert (body["blocked"], len(body["digest"])) == (False, 64)
    assert [one["channels"] for one in body["purchases"]] == [["story"], ["square"]]
    routes = {route["name"]: route for route in body["routes"]}
    assert routes["placeholder"]["usable"] is True
    assert (routes["reframe"]["usable"], routes["reframe"]["reasons"][0]["code"]) == (False, "route.needs_source")
    assert set(routes["reframe"]) == set(set_rows.RouteOffer().fields)
    assert not VariantSet.objects.exists()


def test_a_preview_says_what_stands_in_the_way(creator, settings, as_role):
    settings.IMAGE_STUDIO = {key: value for key, value in settings.IMAGE_STUDIO.items() if key != "BRAND_CHECKS"}
    brand = factories.make_brand()
    client = as_role("creator", of=brand)
    body = matrix(brand, texts={"headline": {"en": "A miracle"}})
    priced = client.say("variant-sets/preview/", body, status=200)
    assert priced["blocked"] is True
    finding = next(one for one in priced["findings"] if one["blocks"])
    assert finding["where"] == "texts"
    assert "miracle" in finding["message"]
    refused = is_problem(order(client, body, status=422), 422, finding["code"])
    assert "miracle" in refused["detail"]
    assert not VariantSet.objects.exists()


# Order --------------------------------------------------------------------------------------------------------------


def test_an_order_answers_where_to_look(creator, brand):
    answer = order(creator, matrix(brand, title="Spring"))
    body = answer.json()
    made = VariantSet.objects.get()
    assert set(body) == set(set_rows.SetAccepted().fields)
    assert (body["id"], body["cells"], body["job"]) == (str(made.pk), 4, None)
    assert answer["Location"] == body["url"] == f"http://testserver/studio/v1/variant-sets/{made.pk}/"
    assert int(answer["Retry-After"]) > 0
    assert "Idempotency-Replayed" not in answer.headers
    assert (made.requested_by, made.title, made.jobs.count()) == (creator.user, "Spring", 2)


def test_the_same_key_gets_the_same_answer_and_no_second_set(creator, brand):
    body, key = matrix(brand), fresh_key()
    first, second = (order(creator, body, key=key) for _time in range(2))
    assert second.content == first.content
    assert second["Location"] == first["Location"]
    assert second["Idempotency-Replayed"] == "true"
    assert (VariantSet.objects.count(), Job.objects.count()) == (1, 2)


def test_an_answered_order_is_answered_again_whatever_became_of_its_parts(creator, brand):
    body, key = matrix(brand), fresh_key()
    first = order(creator, body, key=key)
    prompt = factories.Prompt.objects.get()
    prompt.versions.create(number=2, template="Other words")
    assert order(creator, body, key=key).content == first.content


def test_a_key_is_needed_and_belongs_to_one_body(creator, brand, as_role):
    body = matrix(brand)
    is_problem(creator.ask("POST", "variant-sets/", body), 400, "idempotency.key_missing")
    is_problem(order(creator, body, key="two words", status=400), 400, "idempotency.bad_key")
    order(creator, body, key="k")
    is_problem(order(creator, {**body, "takes": 2}, key="k", status=422), 422, "idempotency.other_body")
    order(as_role("creator"), body, key="k")
    assert VariantSet.objects.count() == 2


def test_a_refused_order_leaves_its_key_for_the_mended_one(creator, brand):
    body = matrix(brand)
    is_problem(order(creator, {**body, "route": "gold"}, key="k", status=422), 422, "request.unknown_route")
    assert order(creator, body, key="k")["Location"]


def test_a_price_that_changed_is_asked_again(creator, brand):
    body = matrix(brand)
    seen = creator.say("variant-sets/preview/", body, status=200)["digest"]
    order(creator, {**body, "digest": seen})
    is_problem(order(creator, {**body, "digest": seen[::-1]}, status=409), 409, "preview.changed")
    assert VariantSet.objects.count() == 1


def test_a_source_is_reframed_for_every_channel(creator, brand, worked):
    source = factories.make_asset(brand, (320, 240))
    with worked():
        answer = order(creator, matrix(brand, route="reframe", source=str(source.pk), locales=["en"]))
    detail = creator.read(answer["Location"])
    assert (detail["source"], detail["prompt"], detail["progress"]["cells"]) == (str(source.pk), None, {"ready": 2})


def test_a_version_or_label_is_taken_as_said(creator, brand):
    prompt = factories.make_prompt(brand, "First").prompt
    prompt.versions.create(number=2, template="Second")
    prompt.labels = {"spring": 1}
    prompt.save()
    for said, text in (({}, "Second"), ({"version": 1}, "First"), ({"label": "spring"}, "First")):
        body = matrix(brand, prompt=str(prompt.pk), **said)
        assert creator.say("variant-sets/preview/", body, status=200)["prompt_text"] == text
    for said, code in (({"version": 9}, "prompt.unknown_version"), ({"label": "live"}, "prompt.unknown_label")):
        body = matrix(brand, prompt=str(prompt.pk), **said)
        is_problem(creator.ask("POST", "variant-sets/preview/", body), 422, code)


# Bad input ----------------------------------------------------------------------------------------------------------

WRONG = [
    ({"channels": "square"}, "channels"),
    ({"channels": []}, "channels"),
    ({"channels": [["square"]]}, "channels.0"),
    ({"channels": [1]}, "channels.0"),
    ({"channels": ["x" * 65]}, "channels.0"),
    ({"channels": [f"c{n}" for n in range(201)]}, "channels"),
    ({"locales": {"en": 1}}, "locales"),
    ({"takes": 0}, "takes"),
    ({"takes": "2"}, "takes"),
    ({"takes": 1.5}, "takes"),
    ({"takes": True}, "takes"),
    ({"takes": 10**12}, "takes"),
    ({"source": "1"}, "source"),
    ({"source": 1}, "source"),
    ({"source": [NOWHERE]}, "source"),
    ({"prompt": {"id": NOWHERE}}, "prompt"),
    ({"version": -1}, "version"),
    ({"variables": []}, "variables"),
    ({"variables": {"mood": None}}, "variables.mood"),
    ({"variables": {"mood": ["soft"]}}, "variables.mood"),
    ({"variables": {"mood": True}}, "variables.mood"),
    ({"texts": {"headline": "New"}}, "texts.headline"),
    ({"texts": {"headline": {"en": 1}}}, "texts.headline.en"),
    ({"sharing": "free"}, "sharing"),
    ({"title": "x" * 201}, "title"),
    ({"micro_usd": 0}, "micro_usd"),
    ({"state": "done"}, "state"),
    ({"chanels": ["square"]}, "chanels"),
]


@pytest.mark.parametrize(("change", "field"), WRONG, ids=[f"{next(iter(c))}-{n}" for n, (c, _f) in enumerate(WRONG)])
def test_a_field_that_does_not_hold_names_itself(creator, brand, change, field):
    body = {**matrix(brand), **change}
    for path in ("variant-sets/preview/", "variant-sets/"):
        answer = creator.ask("POST", path, body, idempotency_key=fresh_key())
        assert field in is_problem(answer, 400, "request.invalid")["errors"]
    assert not VariantSet.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channels": ["square", "square"]}, "channels"),
        ({"locales": ["en", "en"]}, "locales"),
        ({"version": 1, "label": "live"}, "label"),
        ({"prompt": None, "version": 1}, "version"),
    ],
)
def test_fields_that_do_not_fit_together_name_themselves(creator, brand, change, field):
    body = {**matrix(brand), **change}
    for path in ("variant-sets/preview/", "variant-sets/"):
        answer = creator.ask("POST", path, body, idempotency_key=fresh_key())
        assert list(is_problem(answer, 422, "request.invalid")["errors"]) == [field]
    assert not VariantSet.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"takes": 900}, "request.takes_out_of_range"),
        ({"takes": 8, "locales": ["en"]}, "request.too_many_cells"),
        ({"locales": ["fr"]}, "request.unknown_locale"),
        ({"channels": ["moon"]}, "request.unknown_channel"),
        ({"route": "gold"}, "request.unknown_route"),
        ({"variables": {"mod": "x"}}, "prompt.unknown_variable"),
        ({"texts": {"headlin": {"en": "x"}}}, "request.unknown_line"),
        ({"prompt": None}, "request.no_source_or_prompt"),
    ],
)
def test_what_cannot_be_counted_is_a_problem_with_its_code(creator, brand, settings, change, code):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MAX_CELLS": 15}
    is_problem(creator.ask("POST", "variant-sets/preview/", {**matrix(brand), **change}), 422, code)
    is_problem(order(creator, {**matrix(brand), **change}, status=422), 422, code)
    assert not VariantSet.objects.exists()


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b'"x"', b"null", b"{", b"", b'{"a":"\\u0000"}', b'{"a":"\\ud800"}'])
def test_a_body_that_is_no_object_is_malformed(creator, body):
    is_problem(order(creator, body, status=400), 400, "request.malformed")


def test_words_for_a_language_that_is_not_asked_for_are_refused(as_role):
    brand = factories.make_brand()
    body = matrix(brand, locales=["en"], texts={"headline": {"ar": "x"}})
    answer = as_role("creator", of=brand).ask("POST", "variant-sets/preview/", body)
    is_problem(answer, 422, "request.unknown_locale")


# Rights -------------------------------------------------------------------------------------------------------------


def test_other_peoples_things_are_not_there(creator, brand):
    """Each id of another brand is answered as one that is nowhere is: byte for byte but for the id."""
    other = factories.make_bare_brand()
    theirs = {
        "source": str(factories.make_asset(other, (64, 48)).pk),
        "prompt": str(factories.make_prompt(other).prompt_id),
        "brand": other.slug,
    }
    nowhere = {"source": NOWHERE, "prompt": NOWHERE, "brand": "nowhere"}
    for field, value in theirs.items():
        base = matrix(brand, **({"route": "reframe", "prompt": None} if field == "source" else {}))
        for path in ("variant-sets/preview/", "variant-sets/"):
            answers = [
                creator.ask("POST", path, {**base, field: said}, status=404, idempotency_key=fresh_key())
                for said in (value, nowhere[field])
            ]
            told = [
                answer.content.replace(said.encode(), b"")
                for answer, said in zip(answers, (value, nowhere[field]), strict=True)
            ]
            assert told[0] == told[1]
    assert not VariantSet.objects.exists()


def test_a_role_that_does_not_reach_is_told_which_would(as_role, brand):
    viewer = as_role("viewer")
    for path in ("variant-sets/preview/", "variant-sets/"):
        answer = viewer.ask("POST", path, matrix(brand), idempotency_key=fresh_key())
        assert "creator" in is_problem(answer, 403, "policy.not_allowed")["detail"]


def test_nobody_is_asked_to_sign_in(nobody, brand):
    answer = nobody.ask("POST", "variant-sets/", matrix(brand), idempotency_key="k")
    is_problem(answer, 401, "auth.required")
    assert answer["WWW-Authenticate"]


@pytest.fixture
def made(creator, brand):
    order(creator, matrix(brand))
    return VariantSet.objects.get()


GETS = ("", "cells/", "archive/")
POSTS = ("cancel/", "retry/", "recompose/")


def test_a_set_of_another_brand_is_not_there(stranger, made):
    for path in GETS:
        is_problem(stranger.ask("GET", f"variant-sets/{made.pk}/{path}"), 404, "not_found")
    for path in POSTS:
        is_problem(
            stranger.ask("POST", f"variant-sets/{made.pk}/{path}", {}, idempotency_key=fresh_key()), 404, "not_found"
        )
    assert stranger.read("variant-sets/")["results"] == []
    assert not Job.objects.exclude(state="queued").exists()


def test_a_viewer_looks_and_changes_nothing(as_role, made):
    viewer = as_role("viewer")
    assert viewer.read(f"variant-sets/{made.pk}/")["actions"] == []
    for path in POSTS:
        answer = viewer.ask("POST", f"variant-sets/{made.pk}/{path}", {}, idempotency_key=fresh_key())
        is_problem(answer, 403, "policy.not_allowed")


def test_who_sees_only_their_own_sees_only_their_own(as_role, brand, made):
    mine = as_role("creator", own_only=True)
    source = factories.make_asset(brand, (64, 48), created_by=mine.user)
    theirs = factories.make_asset(brand, (64, 48))
    body = matrix(brand, route="reframe", source=str(source.pk))
    answer = order(mine, body)
    assert [row["url"] for row in mine.read("variant-sets/")["results"]] == [answer["Location"]]
    mine.ask("GET", f"variant-sets/{made.pk}/", status=404)
    is_problem(order(mine, {**body, "source": str(theirs.pk)}, status=404), 404, "asset.unknown")


# Watch --------------------------------------------------------------------------------------------------------------


def test_a_row_and_a_detail_have_the_keys_that_the_document_says(creator, made):
    row = creator.read("variant-sets/")["results"][0]
    assert set(row) == set(set_rows.SetRow().fields)
    detail = creator.read(row["url"])
    assert set(detail) == set(set_rows.SetDetail().fields)
    assert set(detail["progress"]) == set(set_rows.Progress().fields)
    assert detail == {**detail, **row}
    assert detail["version"] == 1


def test_a_poller_is_told_what_changed_and_when_to_come_back(creator, made):
    path = f"variant-sets/{made.pk}/"
    first = creator.ask("GET", path, status=200)
    assert first.json()["progress"] == {
        **first.json()["progress"],
        "active": True,
        "cells": {"waiting": 4},
        "pictures_total": 2,
    }
    assert int(first["Retry-After"]) > 0
    again = creator.ask("GET", path, status=304, if_none_match=first["ETag"])
    assert (again.content, again["ETag"], int(again["Retry-After"]) > 0) == (b"", first["ETag"], True)
    creator.say(f"{path}cancel/", status=200)
    last = creator.ask("GET", path, status=200, if_none_match=first["ETag"])
    assert last.json()["progress"]["active"] is False
    assert "Retry-After" not in last.headers


def test_money_is_whole_micro_dollars(creator, made):
    Job.objects.update(cost_micro_usd=40_000, estimate_micro_usd=60_001)
    detail = creator.read(f"variant-sets/{made.pk}/")
    assert (detail["micro_usd"], detail["estimate_micro_usd"], detail["left_micro_usd"]) == (80_000, 120_002, 120_002)


def test_lists_are_narrowed(creator, brand, made):
    found = {
        query: len(creator.read(f"variant-sets/?{query}")["results"])
        for query in (f"brand={brand.slug}", "brand=nowhere", "route=placeholder", "finished=true", "finished=false")
    }
    assert list(found.values()) == [1, 0, 1, 0, 1]
    for query, status in (("finished=maybe", 400), ("brands=x", 400), ("cursor=x", 422), ("limit=0", 400)):
        creator.ask("GET", f"variant-sets/?{query}", status=status)


def test_a_list_costs_the_same_queries_at_any_size(creator, brand, made, django_assert_num_queries):
    with django_assert_num_queries(3):  # the token, the memberships, the rows
        creator.read("variant-sets/")
    for _more in range(3):
        order(creator, matrix(brand))
    fresh = API(creator.user)
    with django_assert_num_queries(3):
        assert len(fresh.read("variant-sets/")["results"]) == 4


# Change -------------------------------------------------------------------------------------------------------------


def test_cancel_ends_what_has_not_started(creator, made):
    detail = creator.say(f"variant-sets/{made.pk}/cancel/", status=200)
    assert detail["progress"]["cells"] == {"cancelled": 4}
    assert detail["cancelled_at"] is not None
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}


def test_retry_is_keyed_and_brings_the_pictures(creator, made, worked):
    path = f"variant-sets/{made.pk}/retry/"
    creator.say(f"variant-sets/{made.pk}/cancel/", status=200)
    is_problem(creator.ask("POST", path, {}), 400, "idempotency.key_missing")
    with worked():
        first = creator.ask("POST", path, status=202, idempotency_key="again")
    second = creator.ask("POST", path, {}, status=202, idempotency_key="again")
    assert (first.json()["cells"], second.content) == (4, first.content)
    assert second["Idempotency-Replayed"] == "true"
    assert creator.read(first["Location"])["progress"]["cells"] == {"ready": 4}
    assert Attempt.objects.count() == 2
    # One person's key for two verbs is two requests.
    recompose = creator.ask("POST", f"variant-sets/{made.pk}/recompose/", {}, idempotency_key="again")
    is_problem(recompose, 422, "idempotency.other_body")


def test_new_words_compose_anew_and_buy_nothing(as_role, worked):
    kit, files = factories.kit_and_files("words")
    brand = factories.make_brand(kit=kit, files=files)
    client = as_role("creator", of=brand)
    with worked():
        path = order(client, matrix(brand, channels=["square"], locales=["en"]))["Location"]
    raws, attempts = Asset.objects.filter(kind="raw").count(), Attempt.objects.count()
    body = {"texts": {"headline": {"en": "Now in spring"}}}
    with worked():
        answer = client.ask("POST", f"{path}recompose/", body, status=202, idempotency_key="new")
    assert client.ask("POST", f"{path}recompose/", body, status=202, idempotency_key="new").content == answer.content
    assert (answer.json()["cells"], Job.objects.filter(kind="compose").count()) == (1, 1)
    assert client.read(f"jobs/{answer.json()['job']}/")["state"] == "done"
    assert (Asset.objects.filter(kind="raw").count(), Attempt.objects.count()) == (raws, attempts)
    drawn = {layer["text"] for layer in Variant.objects.get().asset.recipe["layers"]}
    assert "Now in spring" in drawn
    for texts, code in (
        ({"headlin": {"en": "x"}}, "request.unknown_line"),
        ({"headline": {"fr": "x"}}, "request.unknown_locale"),
    ):
        refused = client.ask("POST", f"{path}recompose/", {"texts": texts}, idempotency_key=fresh_key())
        is_problem(refused, 422, code)


def test_an_archive_is_a_zip_behind_the_same_rights(creator, brand, worked):
    with worked():
        path = order(creator, matrix(brand, channels=["square"], locales=["en"]))["Location"]
    answer = creator.ask("GET", f"{path}archive/", status=200)
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert {"manifest.csv", "README.txt"} < set(packed.namelist())
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Security-Policy"].startswith("sandbox")


def test_texts_that_people_wrote_come_back_as_they_are(creator, brand):
    """JSON is no HTML: nothing is lost, nothing runs."""
    canary = '<script>alert("é")</script> طازج 🥖'
    order(creator, matrix(brand, title=canary))
    answer = creator.ask("GET", "variant-sets/", status=200)
    assert json.loads(answer.content)["results"][0]["title"] == canary
    assert answer["Content-Type"] == "application/json"
