"""What everybody may reach: approved, unexpired pictures and nothing else, by every public door."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.test import override_settings
from django.utils import timezone

from image_studio import storage
from image_studio.models import Asset, Rendition
from image_studio.policy import Policy
from image_studio.workflow.usage import choosable
from tests.rights import bodies
from tests.rights.world import content_of

pytestmark = pytest.mark.django_db
V1 = "/studio/v1/"


def doors(world, asset):
    """What each public door tells of a picture: True where it is shown."""
    nobody = world.browsers["anonymous"]
    tag = Template("{% load image_studio %}{% studio_picture asset %}")
    pk = str(asset.pk).encode()
    file = asset.renditions.filter(public=True).values_list("file", flat=True).first()
    shown = tag.render(Context({"asset": Asset.objects.get(pk=asset.pk)}))
    return {
        "list": pk in nobody.get(f"{V1}published/?limit=100").content,
        "detail": nobody.get(f"{V1}published/{asset.pk}/").status_code == 200,
        "words": pk in nobody.get(f"{V1}published/?q=seen&limit=100").content,
        "tag": bool(file) and "<img" in shown,
        "picker": choosable().filter(pk=asset.pk).exists(),
        "checked view": nobody.get(f"/studio/picture/{asset.pk}/full/").status_code == 200,
        "content": nobody.get(f"{V1}assets/{asset.pk}/content/").status_code == 200,
    }


CLOSED = dict.fromkeys(("list", "detail", "words", "tag", "picker", "checked view", "content"), False)
OPEN = {**CLOSED, "list": True, "detail": True, "words": True, "tag": True, "picker": True}


def test_a_published_picture_is_seen_by_all_and_its_original_by_none(world):
    assert doors(world, world.north.public) == OPEN


@pytest.mark.parametrize("state", ["candidate", "shortlisted", "approved", "rejected", "withdrawn"])
def test_no_door_opens_for_another_state(world, state):
    """Even where its public files are still there: a row that was changed by hand, a render that has just ended."""
    Asset.objects.filter(pk=world.north.public.pk).update(state=state)
    assert doors(world, world.north.public) == CLOSED


@pytest.mark.parametrize("ago", [timedelta(seconds=1), timedelta(days=400)])
def test_no_door_opens_past_the_end_of_rights(world, ago):
    Asset.objects.filter(pk=world.north.public.pk).update(expires_at=timezone.now() - ago)
    assert doors(world, world.north.public) == CLOSED


def test_nobody_keeps_an_answer_longer_than_the_rights_last(world):
    Asset.objects.filter(pk=world.north.public.pk).update(expires_at=timezone.now() + timedelta(seconds=20))
    for path in ("published/", f"published/{world.north.public.pk}/"):
        answer = world.browsers["anonymous"].get(V1 + path)
        assert answer.status_code == 200
        kept = dict(part.split("=") for part in answer["Cache-Control"].split(", ") if "=" in part)
        assert int(kept["max-age"]) <= 20


def test_a_withdrawn_pictures_files_are_gone(world, django_capture_on_commit_callbacks):
    asset, client = world.north.public, world.programs["reviewer"]
    name = asset.renditions.get(public=True).file
    assert storage.public().exists(name)
    etag = world.browsers["anonymous"].get(f"{V1}published/{asset.pk}/")["ETag"]
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"{V1}assets/{asset.pk}/withdraw/", **bodies.sent({}))
    assert answer.status_code == 200
    assert not storage.public().exists(name)
    assert not Rendition.objects.filter(asset=asset, public=True).exists()
    assert doors(world, asset) == CLOSED
    # Not even for who has it: 304 would say that it may still be shown.
    again = world.browsers["anonymous"].get(f"{V1}published/{asset.pk}/", headers={"If-None-Match": etag})
    assert again.status_code == 404


@pytest.mark.parametrize("query", ["?state=candidate", "?published=false", "?brand=x&state=approved", "?limit=1000",
                                   "?fields=all", "?expires_before=2040-01-01T00:00:00Z"])  # fmt: skip
def test_no_filter_widens_what_everybody_sees(world, query):
    told = world.browsers["anonymous"].get(f"{V1}published/{query}")
    assert told.status_code == 400
    assert b"northcanary" not in told.content


def test_nothing_private_is_in_a_public_answer(world):
    for path in ("published/", f"published/{world.north.public.pk}/", "schema/", "docs/", "nothing/"):
        told = content_of(world.browsers["anonymous"].get(V1 + path))
        for side in (world.north, world.south):
            assert not [what for what, secret in side.secrets.items() if secret in told]


def test_a_member_of_nothing_picks_from_nothing(world):
    """A page of the site may take what all the world sees; the studio's own picker keeps to the person's brands."""
    told = content_of(world.browsers["stranger"].get("/admin/image_studio/asset/pick/?dialog=1"))
    assert str(world.north.public.pk).encode() not in told
    assert not choosable(policy=Policy(world.users["stranger"])).exists()


@pytest.mark.parametrize("folder", ["raw", "assets", "previews", "kits", "partials", "spool"])
def test_private_files_have_no_address_in_the_sites_media(world, folder):
    """The site serves MEDIA_ROOT to all: nothing private may lie in it."""
    public = storage.public()
    assert not public.exists(f"image_studio/{folder}")


def test_documentation_is_not_there_unless_the_site_asks(world):
    with override_settings(IMAGE_STUDIO={"DOORBELL": "poll"}):
        for path in ("schema/", "docs/"):
            assert world.browsers["superuser"].get(V1 + path).status_code == 404
