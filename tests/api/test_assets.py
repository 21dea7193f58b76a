"""The library over the API: lists, uploads, words, bytes; and what is refused."""

from __future__ import annotations

import hashlib
import json
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from image_studio import storage
from image_studio.api import asset_parts, asset_rows
from image_studio.models import Asset, CheckResult, Rendition
from tests import factories
from tests.api.conftest import API, is_problem

pytestmark = pytest.mark.django_db
SMALL = (320, 240)


def photo(name="bottle.jpg", size=SMALL):
    return SimpleUploadedFile(name, factories.encoded(factories.draw_photo(size), "jpeg"), "image/jpeg")


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, SMALL)


# Lists --------------------------------------------------------------------------------------------------------------


def test_a_row_has_the_keys_that_the_document_says(owner, asset):
    row = owner.read("assets/")["results"][0]
    assert set(row) == set(asset_rows.AssetRow().fields)
    assert (row["id"], row["brand"], row["alt"]["en"]) == (str(asset.pk), asset.brand.slug, "A red bottle on a table")
    assert row["created_at"].endswith("Z")


def test_a_detail_has_the_keys_that_the_document_says(owner, asset):
    detail = owner.read(f"assets/{asset.pk}/")
    assert set(detail) == set(asset_rows.AssetDetail().fields)
    assert detail == {**detail, **owner.read("assets/")["results"][0]}
    assert {"approve", "describe"} <= set(detail["actions"])


def test_every_page_is_reached_once_forwards_and_back(owner, brand):
    made = [str(factories.make_asset(brand, (64, 64)).pk) for _ in range(5)][::-1]
    first = owner.read("assets/?limit=2")
    second = owner.read(first["next"])
    third = owner.read(second["next"])
    assert [row["id"] for page in (first, second, third) for row in page["results"]] == made
    assert (first["previous"], third["next"]) == (None, None)
    back = owner.read(third["previous"])
    assert back["results"] == second["results"]
    assert owner.read(back["previous"])["results"] == first["results"]
    assert owner.read(back["next"])["results"] == third["results"]


@pytest.mark.parametrize("sort", ["used", "price"])
def test_pages_by_a_column_that_may_be_empty(owner, brand, sort):
    for number in range(5):
        used = factories.long_ago() if number % 2 else None
        factories.make_asset(brand, (64, 64), used_at=used, micro_usd=number % 3)
    whole = [row["id"] for row in owner.read(f"assets/?sort={sort}")["results"]]
    seen, address = [], f"assets/?sort={sort}&limit=1"
    while address:
        page = owner.read(address)
        seen += [row["id"] for row in page["results"]]
        address, before = page["next"], page["previous"]
    assert seen == whole
    assert len(set(seen)) == 5
    back = []
    while before:
        page = owner.read(before)
        back += [row["id"] for row in page["results"]]
        before = page["previous"]
    assert back == whole[-2::-1]


def test_a_page_takes_three_queries_and_counts_nothing(owner, brand):
    for _ in range(3):
        factories.make_asset(brand, (64, 64))
    for address in ("assets/?limit=2", owner.read("assets/?limit=2")["next"]):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            owner.read(address)
        assert len(seen) <= 3
        assert not [query for query in seen.captured_queries if "COUNT(" in query["sql"].upper()]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("state=candidate", True),
        ("state=approved", False),
        ("kind=raw&origin=upload", True),
        ("source_type=digitalCapture", True),
        ("q=red+BOTTLE", True),
        ("q=green", False),
        ("published=false", True),
        ("published=true", False),
        ("created_after=2020-01-01T00:00:00Z", True),
        ("expires_before=2030-01-01T00:00:00%2B02:00", False),
        ("brand=no-such", False),
        ("channel=story", False),
    ],
)
def test_filters(owner, asset, query, fits):
    asset.words = asset.search_words()
    asset.save(update_fields=["words"])
    assert bool(owner.read(f"assets/?{query}")["results"]) is fits


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("stat=approved", "stat"),
        ("state=gone", "state"),
        ("state=", "state"),
        ("created_after=yesterday", "created_after"),
        ("created_after=2020-01-01T00:00:00", "created_after"),
        ("published=yes", "published"),
        ("brand=%0F", "brand"),
        ("locale=english", "locale"),
        ("q=" + "x" * 1001, "q"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(owner, query, name):
    body = is_problem(owner.ask("GET", f"assets/?{query}"), 400, "request.invalid")
    assert list(body["errors"]) == [name]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e1",
        "limit=%D9%A1",
        "limit=",
        "q=%00",
        "q=%ff",
        "q=%ed%a0%80",
        "q=a&q=b",
    ],
)
def test_a_broken_query_is_refused(owner, query):
    is_problem(owner.ask("GET", f"assets/?{query}"), 400, "request.malformed")


@pytest.mark.parametrize("cursor", ["x", "%C3%A9", "WzAsIi1pZCIsWyJub25lIl1d", "A" * 5000])
def test_a_cursor_that_is_none_of_ours_is_refused(owner, cursor):
    is_problem(owner.ask("GET", f"assets/?cursor={cursor}"), 422, "request.bad_cursor")


def test_a_cursor_belongs_to_its_order(owner, brand):
    for _ in range(2):
        factories.make_asset(brand, (64, 64))
    following = owner.read("assets/?limit=1")["next"]
    is_problem(owner.ask("GET", following + "&sort=price"), 422, "request.bad_cursor")


# Rights -------------------------------------------------------------------------------------------------------------

PARTS = ("", "content/", "renditions/", "lineage/", "verdicts/", "reviews/")


@pytest.mark.parametrize("part", PARTS)
def test_another_brands_picture_is_not_there(stranger, nobody, asset, part):
    is_problem(stranger.ask("GET", f"assets/{asset.pk}/{part}"), 404, "not_found")
    is_problem(nobody.ask("GET", f"assets/{asset.pk}/{part}"), 401, "auth.required")


def test_another_brands_pictures_are_in_no_list(stranger, asset):
    assert stranger.read("assets/")["results"] == []


def test_own_only_members_see_their_own(as_role, brand, asset):
    member = as_role("creator", own_only=True)
    mine = factories.make_asset(brand, SMALL, created_by=member.user)
    assert [row["id"] for row in member.read("assets/")["results"]] == [str(mine.pk)]
    is_problem(member.ask("GET", f"assets/{asset.pk}/"), 404, "not_found")


def test_a_missing_role_is_403_in_ones_own_brand(as_role, asset):
    viewer = as_role("viewer")
    body = is_problem(viewer.ask("PATCH", f"assets/{asset.pk}/", {"title": "x"}), 403, "policy.not_allowed")
    assert "creator" in body["detail"]
    is_problem(viewer.ask("GET", f"assets/{asset.pk}/content/?which=original"), 403, "policy.not_allowed")
    is_problem(viewer.upload("assets/", {"brand": asset.brand.slug, "file": photo()}), 403, "policy.not_allowed")


# Uploads ------------------------------------------------------------------------------------------------------------


def test_an_upload_keeps_its_bytes_and_words(owner, brand):
    file = photo("my_red-bottle.jpg")
    sent = file.read()
    file.seek(0)
    form = {"brand": brand.slug, "file": file, "alt": json.dumps({"en": "A bottle"})}
    answer = owner.upload("assets/", form, status=201)
    body = answer.json()
    assert set(body) == set(asset_rows.Uploaded().fields)
    assert (body["title"], body["alt"], body["duplicate"]) == ("my red bottle", {"en": "A bottle"}, False)
    assert answer["Location"].endswith(f"/v1/assets/{body['id']}/")
    kept = Asset.objects.get(pk=body["id"])
    assert storage.read(storage.private(), kept.file) == sent
    assert kept.created_by == owner.user
    again = owner.upload("assets/", {"brand": brand.slug, "file": SimpleUploadedFile("b.jpg", sent)}, status=200)
    assert (again.json()["id"], again.json()["duplicate"]) == (body["id"], True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image.not_accepted"),
        (b"GIF89a" + bytes(40), "image.not_accepted"),
        (b"%PDF-1.4", "image.not_accepted"),
    ],
)
def test_a_bad_file_is_refused_and_not_kept(owner, brand, data, code):
    answer = owner.upload("assets/", {"brand": brand.slug, "file": SimpleUploadedFile("a.png", data, "image/png")})
    is_problem(answer, 422, code)
    assert not Asset.objects.exists()


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({}, "file"),
        ({"file": "no file"}, "file"),
        ({"file": SimpleUploadedFile("a.png", b"")}, "file"),
        ({"state": "approved"}, "state"),
        ({"created_by": "1"}, "created_by"),
        ({"titel": "x"}, "titel"),
        ({"title": "x" * 201}, "title"),
        ({"alt": json.dumps({"en": 3})}, "alt.en"),
    ],
)
def test_a_form_that_does_not_hold_is_refused(owner, brand, form, name):
    whole = {"brand": brand.slug, "file": photo(), **form}
    if not form:
        del whole["file"]
    body = is_problem(owner.upload("assets/", whole), 400, "request.invalid")
    assert list(body["errors"]) == [name]
    assert not Asset.objects.exists()


@pytest.mark.parametrize("alt", ["[]", "nonsense", '{"en": "\\u0000"}', "[" * 3000])
def test_alt_texts_in_a_form_are_a_json_object(owner, brand, alt):
    answer = owner.upload("assets/", {"brand": brand.slug, "file": photo(), "alt": alt})
    is_problem(answer, 400, "request.malformed")


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(owner, brand, settings):
    settings.IMAGE_STUDIO = {"DOORBELL": "inline", "MAX_UPLOAD_BYTES": 1000}
    body = is_problem(owner.upload("assets/", {"brand": brand.slug, "file": photo()}), 413, "request.too_large")
    assert "0.001 MB" in body["detail"]
    huge = owner.ask(
        "POST", "assets/", b"", Content_Type="multipart/form-data; boundary=x", Content_Length="9000000000"
    )
    is_problem(huge, 413, "request.too_large")


def test_a_broken_form_is_refused(owner):
    answer = owner.generic(
        "POST",
        "/studio/v1/assets/",
        b"no form at all",
        content_type="multipart/form-data",
        headers=owner.headers_of_user,
    )
    is_problem(answer, 400, "request.malformed")


def test_an_upload_names_a_brand_of_ones_own(stranger, brand):
    for slug in (brand.slug, "no-such"):
        is_problem(stranger.upload("assets/", {"brand": slug, "file": photo()}), 404, "not_found")


def test_a_form_is_no_json(owner):
    is_problem(owner.ask("POST", "assets/", {"brand": "x"}), 400, "request.invalid")
    answer = owner.generic("POST", "/studio/v1/assets/", b"a=b", "text/plain", headers=owner.headers_of_user)
    is_problem(answer, 415, "unsupported_media_type")


# Words --------------------------------------------------------------------------------------------------------------


def test_a_change_changes_what_it_names(owner, asset):
    said = {
        "title": "Tea",
        "alt": {"en": "Tea in a cup"},
        "tags": ["Spring ", "spring"],
        "focal": {"x": 0.25, "y": 1},
        "expires_at": "2031-05-01T12:00:00+02:00",
    }
    body = owner.say(f"assets/{asset.pk}/", said, method="PATCH", status=200)
    assert (body["title"], body["alt"], body["tags"]) == ("Tea", {"en": "Tea in a cup"}, ["spring"])
    assert (body["focal"], body["expires_at"]) == ({"x": 0.25, "y": 1.0}, "2031-05-01T10:00:00Z")
    cleared = owner.say(f"assets/{asset.pk}/", {"focal": None, "expires_at": None}, method="PATCH", status=200)
    assert (cleared["focal"], cleared["expires_at"], cleared["title"]) == (None, None, "Tea")
    assert owner.read(f"assets/{asset.pk}/") == cleared


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"state": "approved"}, "state"),
        ({"micro_usd": 0}, "micro_usd"),
        ({"source_type": "digitalCapture"}, "source_type"),
        ({"created_by": 1}, "created_by"),
        ({"brand": "other"}, "brand"),
        ({"tilte": "x"}, "tilte"),
        ({"title": 3}, "title"),
        ({"title": None}, "title"),
        ({"alt": []}, "alt"),
        ({"alt": {"en": None}}, "alt.en"),
        ({"tags": "spring"}, "tags"),
        ({"tags": [1]}, "tags.0"),
        ({"focal": {"x": 2, "y": 0}}, "focal.x"),
        ({"focal": {"x": "0.5", "y": 0}}, "focal.x"),
        ({"focal": {"x": 0.5}}, "focal.y"),
        ({"focal": {"x": 0, "y": 0, "z": 0}}, "focal.z"),
        ({"expires_at": "2031-05-01"}, "expires_at"),
        ({"expires_at": 12}, "expires_at"),
    ],
)
def test_a_change_that_does_not_hold_changes_nothing(owner, asset, said, name):
    before = owner.read(f"assets/{asset.pk}/")
    body = is_problem(owner.ask("PATCH", f"assets/{asset.pk}/", said), 400, "request.invalid")
    assert list(body["errors"]) == [name]
    assert owner.read(f"assets/{asset.pk}/") == before


def test_a_close_name_is_offered(owner, asset):
    body = owner.say(f"assets/{asset.pk}/", {"tilte": "x"}, method="PATCH", status=400)
    assert "Did you mean title?" in body["errors"]["tilte"][0]


def test_a_locale_that_is_none_is_refused(owner, asset):
    is_problem(owner.ask("PATCH", f"assets/{asset.pk}/", {"alt": {"??": "x"}}), 422, "request.unknown_locale")


def test_a_change_of_what_has_changed_is_refused(owner, asset):
    read = owner.ask("GET", f"assets/{asset.pk}/")["ETag"]
    owner.ask("PATCH", f"assets/{asset.pk}/", {"title": "First"}, status=200, If_Match=read)
    late = owner.ask("PATCH", f"assets/{asset.pk}/", {"title": "Second"}, If_Match=read)
    is_problem(late, 412, "request.precondition")
    assert owner.read(f"assets/{asset.pk}/")["title"] == "First"


# Bytes and parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["preview", "full", "original"])
def test_bytes_come_as_the_admin_serves_them(owner, asset, which):
    mine = owner.ask("GET", f"assets/{asset.pk}/content/?which={which}", status=200)
    owner.force_login(owner.user)
    theirs = owner.get(f"/studio/picture/{asset.pk}/{which}/")
    assert mine.content == theirs.content
    assert mine["Content-Security-Policy"] == "sandbox; default-src 'none'"
    for name in (
        *("Content-Type", "Content-Length", "Content-Disposition", "X-Content-Type-Options", "Cache-Control"),
        *("Content-Security-Policy", "Cross-Origin-Resource-Policy", "ETag"),
    ):
        assert mine[name] == theirs[name], name


def test_bytes_that_a_client_has_are_not_sent_again(owner, stranger, asset):
    etag = owner.ask("GET", f"assets/{asset.pk}/content/")["ETag"]
    answer = owner.ask("GET", f"assets/{asset.pk}/content/", If_None_Match=etag, status=304)
    assert (answer.content, answer["ETag"]) == (b"", etag)
    stranger.ask("GET", f"assets/{asset.pk}/content/", If_None_Match=etag, status=404)


def test_bytes_that_are_gone_are_the_operators_move(owner, asset):
    storage.private().delete(asset.file)
    body = is_problem(owner.ask("GET", f"assets/{asset.pk}/content/?which=original"), 503, "storage.missing")
    assert body["fault"] == "operator"


def test_content_takes_only_its_files(owner, asset):
    is_problem(owner.ask("GET", f"assets/{asset.pk}/content/?which=raw"), 400, "request.invalid")
    is_problem(owner.ask("GET", f"assets/{asset.pk}/content/?size=1"), 400, "request.invalid")


def test_the_drift_of_an_edit_is_a_map_and_of_anything_else_there_is_none(owner, asset):
    where = f"assets/{asset.pk}/content/?which=drift"
    is_problem(owner.ask("GET", where), 404, "not_found")
    heat = factories.encoded(factories.Image.new("P", (8, 6)))
    name = storage.write(storage.private(), storage.fresh_name("drift", "png"), heat)
    sum_of = hashlib.sha256(heat).hexdigest()
    told = {"width": 8, "height": 6, "format": "png", "weight": len(heat), "sha256": sum_of}
    Rendition.objects.create(asset=asset, spec="drift", file=name, **told)
    found = owner.ask("GET", where)
    assert (found.status_code, found["Content-Type"], b"".join(found)) == (200, "image/png", heat)
    rows = owner.read(f"assets/{asset.pk}/renditions/")["results"]
    assert [row["url"].partition("?")[2] for row in rows if row["spec"] == "drift"] == ["which=drift"]


def test_parts_have_the_keys_that_the_document_says(owner, asset):
    CheckResult.objects.create(
        asset=asset, check_name="contrast", kind="measured", verdict="fail", blocks=True, code="contrast.low"
    )
    verdict = owner.read(f"assets/{asset.pk}/verdicts/")["results"][0]
    assert set(verdict) == set(asset_parts.VerdictRow().fields)
    rendition = owner.read(f"assets/{asset.pk}/renditions/")["results"][0]
    assert set(rendition) == set(asset_parts.RenditionRow().fields)
    assert (rendition["spec"], rendition["url"]) == ("preview", owner.read(f"assets/{asset.pk}/")["preview"])


def test_a_family_is_shown_as_far_as_it_may_be_seen(owner, as_role, asset):
    child = factories.make_asset(asset.brand, SMALL, kind="composed", origin="compose", parent=asset)
    assert [row["id"] for row in owner.read(f"assets/{child.pk}/lineage/")["ancestors"]] == [str(asset.pk)]
    assert [row["id"] for row in owner.read(f"assets/{asset.pk}/lineage/")["children"]] == [str(child.pk)]
    member = as_role("creator", own_only=True)
    mine = factories.make_asset(asset.brand, SMALL, parent=asset, created_by=member.user)
    assert member.read(f"assets/{mine.pk}/lineage/") == {"ancestors": [], "children": []}


def test_superusers_see_everything(asset):
    boss = API(factories.make_user(is_superuser=True))
    assert len(boss.read("assets/")["results"]) == 1
    assert BytesIO(boss.ask("GET", f"assets/{asset.pk}/content/", status=200).content).read(4) == b"RIFF"
