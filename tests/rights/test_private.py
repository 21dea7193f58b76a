"""What is in no answer: secrets of the site; and members who see their own things only, on every way to things."""

from __future__ import annotations

import logging
import re

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse

from image_studio import testing
from image_studio.models import Asset
from tests import factories
from tests.rights.asking import ask
from tests.rights.conftest import STUDIO
from tests.rights.routes import API, ROWS
from tests.rights.world import content_of

pytestmark = pytest.mark.django_db
V1 = "/studio/v1/"
KEY = "sk-canary-0123456789abcdef"
LOOKS = [row for row in ROWS if row.method == "GET" and row.verb != "never"]


@pytest.fixture
def keyed(tmp_path):
    """A provider with a key, as a site has it in its settings."""
    rows = testing.fake_settings(ledger=tmp_path / KEY)
    with override_settings(IMAGE_STUDIO={**STUDIO, **rows}):
        yield


def private_names(side):
    """Where files lie is nobody's business: an address of the storage is no right to it."""
    names = [asset.file for asset in (side.raw, side.candidate, side.approved)]
    names += [side.raw.renditions.get(spec="preview").file, *side.revision.files.values()]
    return [name.encode() for name in names]


@pytest.mark.parametrize("row", LOOKS, ids=str)
def test_no_answer_holds_a_secret(world, keyed, row):
    answer = ask(world, row, "superuser", "north", {})
    told = content_of(answer)
    user = world.users["superuser"]
    secrets = {
        "a provider's key": KEY,
        "the site's key": settings.SECRET_KEY,
        "a token": user.auth_token.key,
        "a session": world.browsers["superuser"].cookies["sessionid"].value,
        "a password": user.password,
        "a folder": str(settings.MEDIA_ROOT).removesuffix("/media"),
    }
    # The cookie goes back to who sent it, in a header; the answer's body is what is judged.
    assert [name for name, secret in secrets.items() if secret.encode() in told] == []
    assert [name for name in private_names(world.north) if name in told] == []


@pytest.mark.parametrize("path", ["variant-sets/preview/", "variant-sets/", "estimate/", "assets/"])
def test_no_error_holds_a_secret(world, keyed, path, caplog):
    with caplog.at_level(logging.DEBUG):
        body = {"route": testing.ROUTE, "brand": "northcanary", "channels": ["square"], "locales": ["en"], "n": 10**6}
        for data in (body, {**body, "source": str(world.north.raw.pk)}, {"route": "nowhere"}, {}):
            answer = world.programs["superuser"].post(f"{V1}{path}", data, "application/json")
            assert answer.status_code < 500
            assert KEY.encode() not in content_of(answer)
    assert KEY not in caplog.text


def test_a_defect_shows_no_secret(world, keyed, monkeypatch, caplog):
    """The page that Django shows for a defect of the server, as a site has it that is live."""

    def explode(*args, **kwargs):
        raise RuntimeError(KEY)

    monkeypatch.setattr("image_studio.api.assets.search", explode)
    monkeypatch.setattr("image_studio.admin.library.browse.page", explode)
    for client, url in (
        (world.programs["superuser"], f"{V1}assets/?q=x"),
        (world.browsers["superuser"], reverse("admin:image_studio_asset_changelist")),
    ):
        monkeypatch.setattr(client, "raise_request_exception", False)
        answer = client.get(url)
        assert answer.status_code == 500
        assert KEY.encode() not in content_of(answer)


# Own only -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mine(world):
    """A picture and a set of the member who sees only their own, among those of others."""
    user = world.users["other"]
    asset = factories.make_asset(world.north.brand, (70, 50), title="My own zebra", created_by=user)
    asset.words = asset.search_words()
    asset.save(update_fields=["words"])
    made = factories.make_set(world.north.brand, channels=factories.make_channels("square"), requested_by=user)
    type(made).objects.filter(pk=made.pk).update(title="My own set")
    made.own_asset = asset
    return made


#: Lists: an address, and whether the member's own picture or set is in it.
WAYS = {
    "the library": ("browser", "/admin/image_studio/asset/", "zebra"),
    "its search": ("browser", "/admin/image_studio/asset/?q=zebra", "zebra"),
    "its search for others": ("browser", "/admin/image_studio/asset/?q=northcanary", ""),
    "the library by price": ("browser", "/admin/image_studio/asset/?sort=price", "zebra"),
    "the library by use": ("browser", "/admin/image_studio/asset/?sort=used", "zebra"),
    "the library by state": ("browser", "/admin/image_studio/asset/?state=approved", ""),
    "what asks for attention": ("browser", "/admin/image_studio/asset/?asked=yes", ""),
    "the sets": ("browser", "/admin/image_studio/variantset/", "My own set"),
    "the jobs": ("browser", "/admin/image_studio/job/", "My own set"),
    "the events": ("browser", "/admin/image_studio/event/", ""),
    "the first page": ("browser", "/admin/image_studio/", ""),
    "the board": ("browser", "/admin/image_studio/asset/review/", ""),
    "the picker": ("browser", "/admin/image_studio/asset/pick/?dialog=1", ""),
    "where to start": ("browser", "/admin/image_studio/variantset/generate/", "zebra"),
    "pictures": ("program", "assets/?limit=100", "zebra"),
    "found pictures": ("program", "assets/?q=northcanary", ""),
    "pictures by price": ("program", "assets/?sort=price", "zebra"),
    "published pictures": ("program", "assets/?published=true", ""),
    "sets": ("program", "variant-sets/", "My own set"),
    "jobs": ("program", "jobs/", ""),
    "prompts": ("program", "prompts/", ""),
}


@pytest.mark.parametrize(("who", "url", "own"), WAYS.values(), ids=WAYS)
def test_a_member_sees_their_own_and_nothing_else(world, mine, who, url, own):
    client = world.browsers["other"] if who == "browser" else world.programs["other"]
    answer = client.get(url if who == "browser" else V1 + url)
    assert answer.status_code == 200
    told = content_of(answer)
    assert [name for name, secret in world.north.owned.items() if secret in told] == []
    assert str(world.north.public.pk).encode() not in told
    assert own.encode() in told


def test_what_all_the_world_sees_a_member_sees_too(world, mine):
    told = world.programs["other"].get(f"{V1}published/").content
    assert str(world.north.public.pk).encode() in told


def test_counts_are_of_what_a_member_sees(world, mine):
    """A number tells of pictures too: on the first page, in the rail, on the board."""
    for url in ("/admin/image_studio/", "/admin/image_studio/asset/"):
        whole = numbers(world.browsers["manager"].get(url))
        own = numbers(world.browsers["other"].get(url))
        assert own != whole
    world.north.brand.memberships.filter(user=world.users["other"]).update(role="reviewer")
    Asset.objects.filter(pk=mine.own_asset.pk).update(kind="composed")
    mine.variants.update(asset=mine.own_asset, state="ready")
    page = world.browsers["other"].get("/admin/image_studio/asset/review/").content.decode()
    assert "zebra" in page
    assert "northcanary candidate" not in page


def numbers(answer):
    """Words of the page's main part that hold a number."""
    html = answer.content.decode().partition('id="content"')[2]
    return re.findall(r">([^<>]*\d[^<>]*)<", html)


def test_an_upload_of_what_others_have_tells_nothing(world, mine):
    """The same bytes again are told to who may see them, and are new to everybody else."""
    theirs = (
        world.browsers["manager"].get(reverse("image_studio:picture", args=[world.north.raw.pk, "original"])).content
    )
    for role, duplicate in (("creator", True), ("other", False)):
        file = factories.io.BytesIO(theirs)
        file.name = "same.jpg"
        answer = world.programs[role].post(f"{V1}assets/", {"brand": "northcanary", "file": file})
        assert answer.json()["duplicate"] is duplicate
        assert (answer.json()["id"] == str(world.north.raw.pk)) is duplicate


def test_a_removed_member_sees_nothing_at_once(world):
    """Rights are read with each request: nothing of a session or a token outlives them."""
    assert world.browsers["manager"].get("/admin/image_studio/brand/").status_code == 200
    world.north.brand.memberships.all().delete()
    for role in ("viewer", "manager", "owner"):
        for row in LOOKS:
            if row.scope in ("own", "brand", "unowned") and row.name.startswith(API):
                answer = ask(world, row, role, "north", {})
                assert answer.status_code == 404, (role, str(row))
                assert b"northcanary" not in content_of(answer)
