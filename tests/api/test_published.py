"""What everybody may see: live pictures only, nothing private, and out of a cache."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from image_studio import storage
from image_studio.api import published
from image_studio.models import Rendition
from tests import factories
from tests.api.conftest import is_problem

pytestmark = pytest.mark.django_db


def make_published(brand, size=(64, 48), **fields):
    """A published picture with two public files, as publishing leaves it."""
    asset = factories.make_asset(brand, size, state="published", published_at=timezone.now(), **fields)
    asset.words = asset.search_words()
    asset.save(update_fields=["words"])
    for kind, width in (("webp", 32), ("jpeg", 32), ("jpeg", 64)):
        data = factories.encoded(factories.draw_photo((width, width * 3 // 4)), kind)
        name = storage.write(storage.public(), storage.fresh_name("public", kind), data)
        Rendition.objects.create(
            asset=asset,
            spec=f"w{width}.{kind}",
            public=True,
            file=name,
            sha256="0" * 64,
            weight=len(data),
            format=kind,
            width=width,
            height=width * 3 // 4,
        )
    return asset


def test_a_row_is_all_that_a_page_needs(nobody, brand):
    asset = make_published(brand, focal_x=0.5, focal_y=0.25, source_type="trainedAlgorithmicMedia")
    row = nobody.read("published/")["results"][0]
    assert set(row) == set(published.PublishedRow().fields)
    assert (row["id"], row["width"], row["height"], row["focal"]) == (str(asset.pk), 64, 48, {"x": 0.5, "y": 0.25})
    assert [(one["type"], one["width"]) for one in row["sources"]] == [
        ("image/jpeg", 32),
        ("image/webp", 32),
        ("image/jpeg", 64),
    ]
    assert row["fallback"] == row["sources"][2]
    assert row["fallback"]["url"].startswith("http://testserver/media/")
    assert row["label"] == "ai"
    grid = row["placeholder"]
    assert len(grid["colours"]) == grid["columns"] * grid["rows"] == 12
    assert nobody.read(f"published/{asset.pk}/") == row


def test_nothing_private_goes_out(nobody, brand):
    private = {"title": "CANARY-1", "rights_owner": "CANARY-2", "licence": "CANARY-3", "tags": ["CANARY-4"]}
    asset = make_published(brand, recipe={"request": {"prompt": "CANARY-5"}}, micro_usd=987_654_321, **private)
    answer = nobody.ask("GET", "published/", status=200).content
    for secret in (b"CANARY", b"987654321", asset.sha256.encode(), asset.file.encode(), str(brand.pk).encode()):
        assert secret not in answer


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "candidate"},
        {"state": "approved"},
        {"state": "withdrawn"},
        {"state": "published", "expires_at": factories.long_ago()},
    ],
)
def test_what_is_not_live_is_not_there(nobody, owner, brand, fields):
    asset = factories.make_asset(brand, (64, 64), **fields)
    assert nobody.read("published/")["results"] == []
    is_problem(nobody.ask("GET", f"published/{asset.pk}/"), 404, "not_found")
    is_problem(owner.ask("GET", f"published/{asset.pk}/"), 404, "not_found")


def test_answers_may_be_kept_and_asked_again(nobody, brand, settings):
    asset = make_published(brand)
    for path in ("published/", f"published/{asset.pk}/"):
        answer = nobody.ask("GET", path, status=200)
        assert answer["Cache-Control"] == "public, max-age=300"
        assert "Cookie" not in answer["Vary"]
        assert not answer.cookies
        again = nobody.ask("GET", path, If_None_Match=f'"other", {answer["ETag"]}', status=304)
        assert (again.content, again["ETag"], again["Cache-Control"]) == (b"", answer["ETag"], answer["Cache-Control"])
        nobody.ask("GET", path, If_None_Match=f"W/{answer['ETag']}", status=304)
        head = nobody.ask("HEAD", path, status=200)
        assert (head.content, head["ETag"]) == (b"", answer["ETag"])
    before = nobody.ask("GET", "published/")["ETag"]
    asset.alt = {"en": "New words"}
    asset.save(update_fields=["alt"])
    assert nobody.ask("GET", "published/", If_None_Match=before, status=200)["ETag"] != before
    settings.IMAGE_STUDIO = {"PUBLISHED_SECONDS": 7}
    assert nobody.ask("GET", "published/")["Cache-Control"] == "public, max-age=7"


def test_nobody_keeps_a_picture_longer_than_its_rights(nobody, brand):
    asset = make_published(brand, expires_at=timezone.now() + timedelta(seconds=60))
    for path in ("published/", f"published/{asset.pk}/"):
        seconds = int(nobody.ask("GET", path)["Cache-Control"].rpartition("=")[2])
        assert 50 <= seconds <= 60


def test_who_asks_changes_nothing(nobody, owner, stranger, brand):
    make_published(brand)
    owner.force_login(owner.user)
    answers = {client.ask("GET", "published/", Accept_Language="ar").content for client in (nobody, owner, stranger)}
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("tag=spring", True),
        ("tag=Spring", True),
        ("tag=spr", False),
        ("tag=%25", False),
        ("q=bottle", True),
        ("q=car", False),
        ("locale=en", True),
        ("locale=ar", False),
        ("brand=other", False),
        ("channel=story", True),
    ],
)
def test_filters(nobody, brand, query, fits):
    (story,) = factories.make_channels("story")
    make_published(brand, tags=["spring", "late summer"], locale="en", channel=story)
    assert bool(nobody.read(f"published/?{query}")["results"]) is fits


def test_a_filter_that_is_none_is_refused(nobody):
    is_problem(nobody.ask("GET", "published/?state=candidate"), 400, "request.invalid")
    is_problem(nobody.ask("GET", "published/?tag="), 400, "request.invalid")


def test_a_page_takes_two_queries_however_long(nobody, brand):
    for _ in range(3):
        make_published(brand)
    nobody.read("published/")
    for limit in (1, 3):
        with CaptureQueriesContext(connection) as seen:
            assert len(nobody.read(f"published/?limit={limit}")["results"]) == limit
        assert len(seen) == 2


def test_a_picture_without_colours_has_no_placeholder(nobody, brand):
    asset = make_published(brand, colours="")
    assert nobody.read(f"published/{asset.pk}/")["placeholder"] is None
