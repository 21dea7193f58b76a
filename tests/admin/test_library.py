"""The library: its grid, its filters, its pages, its action bar; and uploads by a script."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from image_studio.admin.library import PER_PAGE
from image_studio.models import Asset, Review
from tests import factories
from tests.admin.browser import Page
from tests.workflow.test_browse import rows_of

pytestmark = pytest.mark.django_db
LIST = "admin:image_studio_asset_changelist"
UPLOAD = "admin:image_studio_asset_upload"
DATA = {"HTTP_ACCEPT": "application/json"}


def library(client, query="", **extra):
    return client.get(reverse(LIST) + query, **extra)


def shown(response):
    """The ids on the grid, in order."""
    return re.findall(r'data-tile="([0-9a-f-]+)"', response.content.decode())


def links(response, text):
    return [link for link in Page.of(response).links if text in link]


# The grid ----------------------------------------------------------------------------------------------------------


def test_a_tile_keeps_the_ratio_and_says_what_matters(boss, brand):
    soon = timezone.now() + timedelta(days=5, hours=1)
    asset = factories.make_asset(brand, (90, 160), title="Tin", expires_at=soon, micro_usd=53_000)
    wish = Review.objects.create(asset=asset, decision="change", note="warmer", sha256=asset.sha256)
    Asset.objects.filter(pk=asset.pk).update(change_asked=wish)
    response = library(boss)
    html, text = response.content.decode(), Page.of(response).text
    assert 'width="90" height="160"' in html
    for words in ("Tin", "90 × 160", "To review", "Change asked", "Rights end in 5 days", "Photo", "$0.053"):
        assert words in text, words
    assert reverse("admin:image_studio_asset_change", args=[asset.pk]) in html


def test_a_placeholder_is_called_one(boss, brand):
    rows_of(brand, publishable=False, source_type="compositeSynthetic")
    assert "Placeholder" in Page.of(library(boss)).text


def test_an_empty_library_teaches(boss, brand):
    page = Page.of(library(boss))
    assert "Your pictures live here" in page.text
    assert reverse("admin:image_studio_asset_add") in page.links


def test_a_viewer_gets_no_upload_and_no_bar(as_role, brand):
    rows_of(brand)
    viewer = as_role("viewer")
    page = Page.of(library(viewer))
    assert not [button for button in page.buttons if button[0] == "action"]
    assert reverse(UPLOAD) not in page.html


def test_without_djangos_permission_there_is_no_library(brand):
    client = Client()
    client.force_login(factories.make_user("manager", brand=brand, is_staff=True))
    assert library(client).status_code == 403
    assert client.post(reverse(LIST), {"action": "generate"}).status_code == 403


# Filters and pages -------------------------------------------------------------------------------------------------


def test_words_filters_and_order_work_together(boss, brand):
    first, second = (rows_of(brand, words=f"tea {word}", micro_usd=price)[0] for word, price in (("a", 2), ("b", 1)))
    rows_of(brand, words="tea c", state="rejected")
    assert shown(library(boss, "?q=tea&state=candidate&sort=price")) == [str(first.pk), str(second.pk)]
    assert shown(library(boss, "?q=tea+b")) == [str(second.pk)]
    assert shown(library(boss, "?state__exact=rejected")) == [str(Asset.objects.get(state="rejected").pk)]
    assert "No picture matches" in Page.of(library(boss, "?q=nothing")).text


def test_a_chosen_filter_can_be_dropped(boss, brand):
    rows_of(brand, locale="ar")
    response = library(boss, "?locale=ar&q=&state=candidate")
    assert "?state=candidate" in Page.of(response).links
    assert "?locale=ar" in Page.of(response).links
    assert 'aria-current="true"' in response.content.decode()


@pytest.mark.parametrize(
    "query", ["?state=nonsense", "?brand=%27", "?cursor=nonsense", "?cursor=%00", "?sort=evil", "?e=1", "?o=3.4&p=7"]
)
def test_a_strange_address_shows_the_first_page(boss, brand, query):
    (asset,) = rows_of(brand)
    response = library(boss, query)
    assert shown(response) == [str(asset.pk)]
    if "state" in query or "cursor" in query:
        assert 'class="studio-notice' in response.content.decode()


def test_pages_follow_each_other_without_a_script(boss, brand):
    rows_of(brand, PER_PAGE + 5)
    first = library(boss)
    (following,) = set(links(first, "cursor="))
    second = library(boss, following)
    assert len(shown(first)) == PER_PAGE
    assert len(shown(second)) == 5
    assert sorted(shown(first) + shown(second), reverse=True) == shown(first) + shown(second)
    (back,) = set(links(second, "cursor="))
    assert shown(library(boss, back)) == shown(first)


def test_pages_follow_each_other_for_a_script(boss, brand):
    rows_of(brand, PER_PAGE + 5)
    (following,) = set(links(library(boss), "cursor="))
    answer = library(boss, following, **DATA)
    told = answer.json()
    assert (told["ok"], told["count"], told["next"]) == (True, 5, "")
    assert len(re.findall("data-tile=", told["html"])) == 5
    assert "<html" not in told["html"]
    assert "Accept" in answer.headers["Vary"]
    refused = library(boss, "?cursor=nonsense", **DATA)
    assert (refused.status_code, refused.json()["code"]) == (400, "browse.bad_cursor")


@pytest.mark.parametrize("sort", ["new", "used", "price"])
def test_the_list_costs_the_same_in_any_library(boss, brand, sort):
    costs = []
    for count in (PER_PAGE + 3, PER_PAGE * 2):
        rows_of(brand, count)
        following = links(library(boss, f"?sort={sort}"), "cursor=")[0]
        costs.append([_cost(boss, query) for query in (f"?sort={sort}", following)])
    assert costs[0] == costs[1]
    assert max(costs[0]) <= 20


def _cost(client, query):
    """How many queries a page takes; none of them counts, evaluates the whole, or reads what no tile shows."""
    with CaptureQueriesContext(connection) as ran:
        library(client, query)
    pictures = [
        one["sql"] for one in ran if '"image_studio_asset"' in one["sql"] or "`image_studio_asset`" in one["sql"]
    ]
    assert pictures
    for sql in pictures:
        assert "COUNT(" not in sql.upper()
        assert "DISTINCT" not in sql.upper()
        assert "LIMIT" in sql
        assert "recipe" not in sql
    return len(ran)


# The action bar ----------------------------------------------------------------------------------------------------


def act(client, action, *ids, query="", **data):
    sent = {"action": action, "index": "0", "_selected_action": [str(one) for one in ids], **data}
    return client.post(reverse(LIST) + query, sent, follow=True)


def told(response):
    return [(message.level_tag, str(message)) for message in response.context["messages"]]


def test_ticked_pictures_go_to_generate(boss, brand):
    asset = factories.make_asset(brand, (60, 40))
    response = boss.post(reverse(LIST), {"action": "generate", "index": "0", "_selected_action": [str(asset.pk)]})
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('admin:image_studio_variantset_generate')}?source={asset.pk}"


def test_ticked_pictures_are_shortlisted_each_alone(boss, brand):
    new, approved = rows_of(brand)[0], rows_of(brand, state="approved")[0]
    response = act(boss, "shortlist", new.pk, approved.pk, query="?q=")
    assert [level for level, _words in told(response)] == ["success", "warning"]
    new.refresh_from_db()
    assert new.state == "shortlisted"
    act(boss, "unshortlist", new.pk)
    new.refresh_from_db()
    assert new.state == "candidate"


def test_ticked_pictures_are_tagged_and_the_place_is_kept(boss, brand):
    first, second = rows_of(brand, 2)
    response = act(boss, "add_tags", first.pk, second.pk, query="?state=candidate", tags="Spring, tea\x00")
    assert response.redirect_chain[-1][0].endswith("?state=candidate")
    assert told(response) == [("success", "2 pictures tagged.")]
    first.refresh_from_db()
    assert first.tags == ["spring", "tea"]
    assert told(act(boss, "add_tags", first.pk, tags=" ,"))[0][0] == "error"


@pytest.mark.parametrize(
    ("action", "ids"),
    [("shortlist", []), ("shortlist", ["nonsense"]), ("shortlist", ["1' OR 1=1"]), ("nothing", ["own"]), ("", ["own"])],
)
def test_a_strange_post_is_told_and_does_nothing(boss, brand, action, ids):
    (asset,) = rows_of(brand)
    response = act(boss, action, *[asset.pk if one == "own" else one for one in ids])
    assert response.status_code == 200
    assert told(response)[0][0] in ("error", "warning")
    asset.refresh_from_db()
    assert asset.state == "candidate"


def test_a_forged_id_of_another_brand_is_not_there(as_role, brand):
    (theirs,) = rows_of(factories.make_bare_brand())
    creator = as_role("creator")
    for action in ("shortlist", "add_tags", "generate"):
        act(creator, action, theirs.pk, tags="mine")
    theirs.refresh_from_db()
    assert (theirs.state, theirs.tags) == ("candidate", [])


def test_a_viewer_cannot_act_by_a_forged_post(as_role, brand):
    (asset,) = rows_of(brand)
    viewer = as_role("viewer")
    for action in ("shortlist", "add_tags"):
        assert told(act(viewer, action, asset.pk, tags="mine"))[0][0] in ("error", "warning")
    asset.refresh_from_db()
    assert (asset.state, asset.tags) == ("candidate", [])


# Uploads by a script -----------------------------------------------------------------------------------------------


def picture(name="photo.png", size=(48, 36), hue=0):
    return SimpleUploadedFile(name, factories.encoded(factories.draw_photo(size, hue=hue)), "image/png")


def send(client, brand, upload, **data):
    sent = {"brand": str(brand.pk), **({"file": upload} if upload else {}), **data}
    return client.post(reverse(UPLOAD), sent, **DATA)


def test_a_file_is_taken_and_shown(boss, brand):
    answer = send(boss, brand, picture("my_holiday-photo.png"))
    told, asset = answer.json(), Asset.objects.get()
    assert answer.status_code == 201
    assert (told["ok"], told["duplicate"], told["id"], told["title"]) == (
        True,
        False,
        str(asset.pk),
        "my holiday photo",
    )
    assert told["url"] == reverse("admin:image_studio_asset_change", args=[asset.pk])
    assert f'data-tile="{asset.pk}"' in told["html"]
    assert asset.created_by == boss.user


def test_the_same_file_again_names_the_picture_that_is_there(boss, brand):
    first = send(boss, brand, picture("a.png")).json()
    again = send(boss, brand, picture("b.png"))
    assert again.status_code == 200
    assert (again.json()["duplicate"], again.json()["id"], again.json()["html"]) == (True, first["id"], "")
    assert "“a”" in again.json()["message"]
    assert Asset.objects.count() == 1


def test_twenty_bad_files_among_fifty(boss, brand):
    bad = [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(40), b"\x89PNG\r\n\x1a\n broken"]
    answers = [send(boss, brand, picture(f"good-{number}.png", hue=number)) for number in range(30)]
    answers += [send(boss, brand, SimpleUploadedFile(f"bad-{number}.png", bad[number % 4])) for number in range(20)]
    assert [answer.status_code for answer in answers] == [201] * 30 + [400] * 20
    assert Asset.objects.count() == 30
    for answer in answers[30:]:
        told = answer.json()
        assert told["ok"] is False
        assert told["code"].startswith("image.")
        assert told["message"].endswith((".", "again."))


def test_one_file_comes_at_a_time_and_one_must_come(boss, brand):
    assert send(boss, brand, None).json()["code"] == "upload.no_file"
    two = boss.post(reverse(UPLOAD), {"brand": brand.pk, "file": [picture("a.png"), picture("b.png", hue=9)]}, **DATA)
    assert two.json()["code"] == "upload.one_at_a_time"
    assert not Asset.objects.exists()


def test_a_heavy_file_is_refused_by_its_size(boss, brand, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MAX_UPLOAD_BYTES": 100}
    told = send(boss, brand, picture()).json()
    assert told["code"] == "image.too_heavy"
    assert "100" in told["message"]
    assert f'data-most="{100}"' in library(boss).content.decode()


def test_a_body_beyond_the_limit_is_not_read(boss, brand, settings, monkeypatch):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MAX_UPLOAD_BYTES": 100}
    monkeypatch.setattr("django.http.HttpRequest._load_post_and_files", lambda _self: pytest.fail("it was read"))
    heavy = SimpleUploadedFile("heavy.png", bytes(200_000))
    assert send(boss, brand, heavy).json()["code"] == "upload.too_heavy"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x\r\nContent-Disposition: form-data; name", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_no_upload_is_told(boss, brand, body, kind):
    answer = boss.post(reverse(UPLOAD), data=body, content_type=kind, **DATA)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("upload.broken", "upload.no_file")


@pytest.mark.parametrize("text", ["", "nonsense", "1", "00000000-0000-7000-8000-000000000000", "\x00"])
def test_a_brand_that_is_none_of_theirs_is_refused(boss, brand, text):
    answer = boss.post(reverse(UPLOAD), {"brand": text, "file": picture()}, **DATA)
    assert (answer.status_code, answer.json()["code"]) == (400, "upload.no_brand")


def test_uploads_need_a_role_in_the_brand(as_role, brand):
    creator = as_role("creator")
    assert send(creator, factories.make_bare_brand(), picture()).json()["code"] == "upload.no_brand"
    assert send(as_role("viewer"), brand, picture()).status_code == 403
    assert not Asset.objects.exists()
    assert send(creator, brand, picture()).status_code == 201


def test_a_session_that_ended_is_told_as_data(brand):
    answer = send(Client(), brand, picture())
    assert (answer.status_code, answer.json()["code"]) == (403, "session.ended")
    assert "Sign in again" in answer.json()["message"]
    page = Client().post(reverse(UPLOAD), {"brand": brand.pk})
    assert (page.status_code, "/login/" in page["Location"]) == (302, True)


def test_a_forged_upload_is_refused(brand):
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    assert send(client, brand, picture()).status_code == 403
    assert not Asset.objects.exists()


def test_only_a_post_uploads(boss):
    assert boss.get(reverse(UPLOAD), **DATA).status_code == 405


def test_a_hostile_name_stays_text(boss, brand):
    told = send(boss, brand, picture('"><img src=x onerror=alert(1)>\x00.png')).json()
    assert "<img src=x" not in told["html"]
    assert "<img src=x" not in library(boss).content.decode()
