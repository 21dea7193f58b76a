"""What stands in the place of a picture that is not live: the tag, Jinja2 and the API say the same."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from django.template import Context, Template, engines
from django.test import Client, RequestFactory
from django.utils import timezone

from image_studio.conf import ConfigurationError, conf
from image_studio.models import Asset, Rendition
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import approve_and_publish, withdraw
from tests import factories
from tests.test_tag import CANARY, Tags, request_of

pytestmark = pytest.mark.django_db
JINJA = {
    "NAME": "jinja2",
    "BACKEND": "django.template.backends.jinja2.Jinja2",
    "OPTIONS": {"extensions": ["image_studio.jinja2.Studio"]},
}


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.TEMPLATES = [*settings.TEMPLATES, JINJA]
    use(settings)


def use(settings, **hero):
    """The one named use of the site."""
    pictures = {"hero": {"widths": [80, 160], "sizes": "50vw", **hero}}
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1, "PICTURES": pictures}


def published(**fields):
    asset = factories.make_asset(factories.make_brand(), (320, 240), **fields)
    job = approve_and_publish(Policy.operator(), asset, declaration=factories.DECLARED)
    drain(job_ids=[job.pk])
    return Asset.objects.get(pk=asset.pk)


@pytest.fixture
def gone(django_capture_on_commit_callbacks):
    """A picture that was live and is withdrawn."""
    asset = published()
    with django_capture_on_commit_callbacks(execute=True):
        withdraw(Policy.operator(), asset)
    return Asset.objects.get(pk=asset.pk)


@pytest.fixture
def shelf():
    """A picture that is live, to stand in."""
    return published(alt={"en": "A shelf", "ar": "رف"})


def by_tag(args, request=None, **context):
    return Template("{% load image_studio %}{% studio_picture " + args + " %}").render(
        Context({**context, "request": request})
    )


def by_jinja(args, request=None, **context):
    return engines["jinja2"].from_string("{{ studio_picture(" + args + ") }}").render(context, request)


def by_api(asset, name="hero"):
    return Client().get(f"/studio/v1/published/{getattr(asset, 'pk', asset)}/pictures/{name}/")


def addresses(html):
    """What a browser might fetch, without the host."""
    tags = Tags(html)
    lists = [attrs.get("srcset", "") for attrs in (*tags.all("source"), *tags.all("img"))]
    return {part.split()[0] for one in lists for part in one.split(", ") if part} | {
        attrs["src"] for attrs in tags.all("img")
    }


def told(answer):
    body = answer.json()
    return {one["url"].removeprefix("http://testserver") for one in (*body["sources"], body["image"])}


# What the site chose ------------------------------------------------------------------------------------------------


def test_nothing_where_the_site_chose_nothing(gone):
    assert by_tag("asset 'hero'", asset=gone) == by_jinja("asset, 'hero'", asset=gone) == ""
    assert by_api(gone).status_code == 404


def test_another_picture(gone, shelf, settings):
    use(settings, fallback=str(shelf.pk))
    html = by_tag("asset 'hero'", asset=gone)
    assert html == by_jinja("asset, 'hero'", asset=gone)
    assert html.startswith("<picture data-studio-fallback>")
    (img,) = Tags(html).all("img")
    assert (img["alt"], img["width"], img["sizes"]) == ("A shelf", "160", "50vw")
    answer = by_api(gone)
    assert told(answer) == addresses(html)
    assert (answer.json()["shown"], answer.json()["id"]) == ("fallback", str(shelf.pk))
    assert addresses(html) <= {f"/media/{row.file}" for row in shelf.renditions.filter(public=True)}


def test_a_static_file(gone, settings):
    use(settings, fallback="image_studio/empty frame.svg")
    html = by_tag("asset 'hero' class='wide' alt='A bottle'", asset=gone)
    assert html == by_jinja("asset, 'hero', alt='A bottle', class='wide'", asset=gone)
    (img,) = Tags(html).all("img")
    # The words were of the picture that is not there.
    assert (img["src"], img["alt"], img["class"]) == ("/static/image_studio/empty%20frame.svg", "", "wide")
    answer = by_api(gone).json()
    assert answer["image"] == {
        "type": None,
        "width": None,
        "height": None,
        "url": "http://testserver/static/image_studio/empty%20frame.svg",
    }
    assert (answer["id"], answer["sources"], answer["alt"]) == (None, [], {})


@pytest.mark.parametrize("given", ["picture", "id", "static", "nothing"])
def test_a_tag_may_choose_another_than_the_setting(gone, shelf, settings, given):
    use(settings, fallback="configured.svg")
    own = {"picture": shelf, "id": str(shelf.pk), "static": "own.svg", "nothing": ""}[given]
    html = by_tag("asset 'hero' fallback=own", asset=gone, own=own)
    assert html == by_jinja("asset, 'hero', fallback=own", asset=gone, own=own)
    wanted = {"picture": f"/media/{shelf.renditions.filter(width=160).last().file}", "static": "/static/own.svg"}
    if given == "nothing":
        assert html == ""
    elif given == "static":
        assert addresses(html) == {wanted["static"]}
    else:
        assert Tags(html).all("img")[0]["alt"] == "A shelf"


def test_what_is_live_never_falls_back(shelf, settings):
    use(settings, fallback="image_studio/empty.svg")
    html = by_tag("asset 'hero'", asset=shelf)
    assert html == by_jinja("asset, 'hero'", asset=shelf)
    assert html.startswith("<picture><source")
    answer = by_api(shelf)
    assert told(answer) == addresses(html)
    assert answer.json()["shown"] == "picture"


def test_a_fallback_that_is_not_live_is_nothing(gone, shelf, settings, django_capture_on_commit_callbacks):
    use(settings, fallback=str(shelf.pk))
    Asset.objects.filter(pk=shelf.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert by_tag("asset 'hero'", asset=gone) == by_jinja("asset, 'hero'", asset=gone) == ""
    assert by_api(gone).status_code == 404


def test_ended_rights_and_drafts_fall_back_for_the_public(shelf, settings):
    use(settings, fallback="empty.svg")
    for state, ends in (("published", timezone.now() - timedelta(seconds=1)), ("approved", None), ("candidate", None)):
        Asset.objects.filter(pk=shelf.pk).update(state=state, expires_at=ends)
        asset = Asset.objects.get(pk=shelf.pk)
        assert addresses(by_tag("asset 'hero'", request_of(), asset=asset)) == {"/static/empty.svg"}
        assert by_api(asset).json()["shown"] == "fallback"


def test_the_team_sees_a_draft_and_the_fallback_of_what_is_withdrawn(gone, settings):
    member = factories.make_user("viewer", brand=gone.brand, is_staff=True)
    use(settings, fallback="empty.svg")
    assert addresses(by_tag("asset 'hero'", request_of(member), asset=gone)) == {"/static/empty.svg"}
    Asset.objects.filter(pk=gone.pk).update(state="approved")
    draft = Asset.objects.get(pk=gone.pk)
    html = by_tag("asset 'hero'", request_of(member), asset=draft)
    assert 'data-studio-state="approved"' in html
    assert html == by_jinja("asset, 'hero'", request_of(member), asset=draft)


def test_nobody_learns_whether_there_is_such_a_picture(gone, settings):
    use(settings, fallback="empty.svg")
    nowhere = "00000000-0000-7000-8000-000000000000"
    assert by_tag("asset 'hero'", asset=nowhere) == by_tag("asset 'hero'", asset=gone)
    assert by_api(nowhere).json() == by_api(gone).json()


@pytest.mark.parametrize("given", [None, ""])
def test_a_place_without_a_picture_stays_empty(settings, given):
    use(settings, fallback="empty.svg")
    assert by_tag("asset 'hero'", asset=given) == by_jinja("asset, 'hero'", asset=given) == ""
    assert by_jinja("missing.picture, 'hero'", missing={}) == ""


def test_the_image_url_falls_back_too(gone, shelf, settings):
    use(settings, fallback=str(shelf.pk))
    source = "{% load image_studio %}{% studio_image_url asset name='hero' %}"
    request = RequestFactory().get("/")
    url = Template(source).render(Context({"asset": gone, "request": request}))
    assert url.startswith("http://testserver/media/")
    jinja = engines["jinja2"].from_string("{{ studio_image_url(asset, name='hero') }}")
    assert jinja.render({"asset": gone}, request) == url
    own = engines["jinja2"].from_string("{{ studio_image_url(asset, name='hero', fallback='a.png') }}")
    assert own.render({"asset": gone}, request) == "http://testserver/static/a.png"


# Jinja2 -------------------------------------------------------------------------------------------------------------


def test_jinja_escapes_what_people_wrote_and_not_the_markup(shelf):
    Asset.objects.filter(pk=shelf.pk).update(alt={"en": CANARY})
    html = by_jinja("asset, 'hero', class=bad", asset=Asset.objects.get(pk=shelf.pk), bad=CANARY)
    assert "<img src=x" not in html
    (img,) = Tags(html).all("img")
    assert (img["alt"], img["class"]) == (CANARY, CANARY)
    assert html == by_tag("asset 'hero' class=bad", asset=Asset.objects.get(pk=shelf.pk), bad=CANARY)


def test_jinja_says_mistakes_of_the_template(shelf):
    with pytest.raises(Exception, match="studio_picture does not take style"):
        by_jinja("asset, style='x'", asset=shelf)
    with pytest.raises(ConfigurationError, match="her0"):
        by_jinja("asset, 'her0'", asset=shelf)


# Settings -----------------------------------------------------------------------------------------------------------


def test_a_fallback_is_one_text(settings):
    for wrong in (None, 7, ["a.svg"]):
        settings.IMAGE_STUDIO = {"PICTURES": {"hero": {"fallback": wrong}}}
        with pytest.raises(ConfigurationError, match="hero"):
            conf()


# From outside -------------------------------------------------------------------------------------------------------


def fetched(url):
    """(status, length) of a file, over HTTP."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, len(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, 0


@pytest.mark.django_db(transaction=True)
def test_withdrawing_takes_every_public_file_off_the_web(settings, live_server):
    shelf, asset = published(), published()
    use(settings, fallback=str(shelf.pk))
    before = addresses(by_tag("asset 'hero'", asset=asset))
    assert len(before) == 6
    everything = [
        f"/media/{name}" for name in Rendition.objects.filter(asset=asset, public=True).values_list("file", flat=True)
    ]
    assert before <= set(everything)
    for url in everything:
        status, length = fetched(live_server.url + url)
        assert (status, length > 100) == (200, True), url
    withdraw(Policy.operator(), asset)
    assert {fetched(live_server.url + url)[0] for url in everything} == {404}
    after = addresses(by_tag("asset 'hero'", asset=Asset.objects.get(pk=asset.pk)))
    assert after
    assert not after & before
    assert {fetched(live_server.url + url)[0] for url in after} == {200}
    assert not re.search("|".join(map(re.escape, everything)), by_api(asset).content.decode())
