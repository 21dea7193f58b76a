"""Ids that a body, a query or an address carries: another brand's is refused as if it were nobody's."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from image_studio.brand.toml import dump
from tests.api.work import NOWHERE
from tests.rights import bodies
from tests.rights.world import content_of, difference, snapshot

pytestmark = pytest.mark.django_db
V1 = "/studio/v1/"
SECRETS_OF_PAGES = re.compile(rb"[A-Za-z0-9]{64}|[0-9a-f]{32}|Expires: [^\n]*")


def api(method, path, **data):
    """A request of the API, with the value in the path or the body."""

    def go(world, value):
        put = {name: value if one == "?" else one for name, one in data.items()}
        body = bodies.sent(put) if method != "get" else {}
        return getattr(world.programs["manager"], method)(V1 + path.format(value=value, n=world.north), **body)

    return go


def page(method, name, at="", query="", **data):
    """The same for a page of the admin."""

    def go(world, value):
        args = [value if token == "?" else getattr(world.north, token, token) for token in at.split()]
        url = reverse(f"admin:image_studio_{name}", args=[getattr(arg, "pk", arg) for arg in args])
        put = {key: value if one == "?" else one for key, one in data.items()}
        headers = {"Accept": "application/json"} if data.get("do") else {}
        return getattr(world.browsers["manager"], method)(url + query.format(value=value), put or None, headers=headers)

    return go


def matrix(world, value, path="variant-sets/", **more):
    body = {"brand": world.north.brand.slug, "channels": ["square"], "locales": ["en"], **more}
    return world.programs["manager"].post(V1 + path, **bodies.sent(body))


def begin(world, value):
    body = {"brand": world.north.brand.slug, "asset": value}
    return world.programs["manager"].post(f"{V1}chains/", **bodies.sent(body))


def refer(world, value):
    body = {**bodies.WIDER, "references": [{"role": "style", "asset": value}]}
    return world.programs["manager"].post(f"{V1}chains/{world.north.chain.pk}/steps/", **bodies.sent(body))


def walk(world, value, path="recipes/{n.recipe.pk}/replay/", **more):
    body = {"assets": [value], **more}
    return world.programs["manager"].post(V1 + path.format(n=world.north), **bodies.sent(body))


def replay_on(world, value):
    body = bodies.sent({"assets": [str(world.north.raw.pk)]})
    return world.programs["manager"].post(f"{V1}recipes/{value}/replay/", **body)


def upload(world, value):
    data = {"brand": value, "file": bodies.picture()}
    return world.browsers["manager"].post(reverse("admin:image_studio_asset_upload"), data, headers=bodies.SCRIPT)


def upload_form(world, value):
    data = {"brand": value, "pictures": bodies.picture()}
    return world.browsers["manager"].post(reverse("admin:image_studio_asset_add"), data)


def write_prompt(world, value):
    body = bodies.page_form(world, "prompt_add", brand=value, slug="new-one", template="A cup")
    return world.browsers["manager"].post(reverse("admin:image_studio_prompt_add"), **body)


def import_kit(world, value):
    """The manager's own kit in the name of another brand."""
    words = dump(world.north.brand.kit).replace('"northcanary"', f'"{value}"', 1)
    data = {"archive": bodies.SimpleUploadedFile("brand.toml", words.encode())}
    return world.browsers["manager"].post(reverse("admin:image_studio_brand_import"), data)


def editor(world):
    """The manager, who also edits the articles of the site."""
    user = world.users["manager"]
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="testapp"))
    return world.browsers["manager"]


def take_picture(world, value):
    data = {"title": "An article", "picture": value, "slides-TOTAL_FORMS": 0, "slides-INITIAL_FORMS": 0}
    return editor(world).post(reverse("admin:testapp_article_add"), data)


def offer_picture(world, value):
    return editor(world).get(reverse("admin:testapp_article_add") + f"?picture={value}&card={value}")


#: What is asked -> (thing of the other brand, the request, what is answered).
CASES = {
    "a picture": ("candidate", api("get", "assets/{value}/"), 404),
    "a picture's family": ("raw", api("get", "assets/{value}/lineage/"), 404),
    "a source to order": ("raw", lambda w, v: matrix(w, v, route="reframe", source=v), 404),
    "a source to price": ("raw", lambda w, v: matrix(w, v, "variant-sets/preview/", route="reframe", source=v), 404),
    "a prompt to order": ("prompt", lambda w, v: matrix(w, v, route="placeholder", prompt=v), 404),
    "a prompt to price": (
        "prompt",
        lambda w, v: matrix(w, v, "variant-sets/preview/", route="placeholder", prompt=v),
        404,
    ),
    "a brand to write for": ("slug", api("post", "prompts/", brand="?", slug="new", template="A cup"), 404),
    "a brand to look at": ("slug", api("get", "brands/{value}/"), 404),
    "pictures of a brand": ("slug", api("get", "assets/?brand={value}"), 200),
    "sets of a brand": ("slug", api("get", "variant-sets/?brand={value}"), 200),
    "prompts of a brand": ("slug", api("get", "prompts/?brand={value}"), 200),
    "jobs of a brand": ("slug", api("get", "jobs/?brand={value}"), 200),
    "jobs of a set": ("set", api("get", "jobs/?variant_set={value}"), 200),
    "a cell to cancel": ("failed", api("post", "variant-sets/{n.set.pk}/cells/{value}/cancel/"), 404),
    "a cell to retry": ("failed", api("post", "variant-sets/{n.set.pk}/cells/{value}/retry/"), 404),
    "a job": ("failed_job", api("post", "jobs/{value}/retry/"), 404),
    "a picture to replace": ("worn", api("post", "assets/{value}/replace/", successor=NOWHERE), 404),
    "a successor": ("candidate", api("post", "assets/{n.worn.pk}/replace/", successor="?"), 422),
    "a public successor": ("public", api("post", "assets/{n.worn.pk}/replace/", successor="?"), 422),
    "a successor to look at": ("public", api("post", "assets/{n.worn.pk}/replace/preview/", successor="?"), 422),
    "a successor on its page": ("public", page("get", "asset_replace", "worn", "?successor={value}"), 200),
    "a chain": ("chain", api("get", "chains/{value}/"), 404),
    "a step of a chain": ("chain", api("get", "chains/{value}/steps/2/"), 404),
    "a chain's files": ("edit_file", api("get", "chains/{n.chain.pk}/files/{value}/"), 404),
    "chains of a brand": ("slug", api("get", "chains/?brand={value}"), 200),
    "chains of a picture": ("raw", api("get", "chains/?source={value}"), 200),
    "recipes of a brand": ("slug", api("get", "recipes/?brand={value}"), 200),
    "a picture to begin with": ("raw", begin, 404),
    "a picture to change": ("raw", api("post", "assets/{value}/change/", **bodies.WIDER), 404),
    "a reference of a step": ("raw", refer, 422),
    "a mask of a step": ("edit_file", api("post", "chains/{n.chain.pk}/steps/", mask="?", **bodies.WIDER), 422),
    "a chain to fork": ("chain", api("post", "chains/{value}/fork/", step=2), 404),
    "a recipe to replay": ("recipe", replay_on, 404),
    "a picture to replay on": ("raw", walk, 404),
    "a picture to replay a path on": ("raw", lambda w, v: walk(w, v, "chains/{n.chain.pk}/replay/", step=2), 404),
    "a replay": ("replay", api("get", "replays/{value}/"), 404),
    "a page from a source": ("raw", page("get", "variantset_generate", query="?source={value}"), 200),
    "a page from a prompt": ("prompt", page("get", "variantset_generate", query="?prompt={value}"), 200),
    "an order from a source": ("raw", page("post", "variantset_generate", query="?source={value}", do="order"), 200),
    "a price from a source": ("raw", page("post", "variantset_price", query="?source={value}", do="price"), 200),
    "a brand to upload to": ("brand", upload, 400),
    "a brand to upload to by form": ("brand", upload_form, 200),
    "a brand of a prompt": ("brand", write_prompt, 200),
    "a kit in its name": ("slug", import_kit, 200),
    "the library of a brand": ("slug", page("get", "asset_changelist", query="?brand={value}"), 200),
    "the board of a brand": ("slug", page("get", "asset_review", query="?brand={value}"), 200),
    "a picture on the board": ("candidate", page("get", "asset_review_one", "?"), 404),
    "the picker of a brand": ("slug", page("get", "asset_pick", query="?brand={value}"), 200),
    "the picker's dialog of a brand": ("slug", page("get", "asset_pick", query="?brand={value}&dialog=1"), 200),
    "sets by brand": ("brand", page("get", "variantset_changelist", query="?brand__id__exact={value}"), 200),
    "prompts by brand": ("brand", page("get", "prompt_changelist", query="?brand__id__exact={value}"), 200),
    "jobs by id": ("failed_job", page("get", "job_changelist", query="?q={value}"), 200),
    "events by id": ("raw", page("get", "event_changelist", query="?q={value}"), 200),
    "a ticked cell": ("ready", page("post", "variantset_say", "set", do="shortlist", cell="?"), 200),
    "a compared cell": ("ready", page("get", "variantset_compare", "set", query="?cell={value}"), 200),
    "a cell of the sheet": ("ready", page("get", "variantset_inspect", "set ?"), 404),
    "a cell told": ("failed", page("post", "variantset_cell", "set ?", do="retry"), 404),
    "an early version": ("working_job", page("get", "variantset_partial", "set ? 0"), 404),
    "a picture for an article": ("candidate", take_picture, 200),
    "a public picture for an article": ("public", take_picture, 200),
    "a picture offered to an article": ("candidate", offer_picture, 200),
    "a public picture offered to an article": ("public", offer_picture, 200),
}


@pytest.mark.parametrize(("thing", "go", "status"), CASES.values(), ids=CASES)
def test_another_brands_is_like_nobodys(world, thing, go, status):
    south = world.south
    theirs = south.brand.slug if thing == "slug" else str(getattr(south, thing).pk)
    nobodys = "nowherecanary"[-len(theirs) :] if thing == "slug" else NOWHERE
    world.browsers["manager"].get(reverse("admin:index"))  # reads what was still to be told
    before = snapshot()
    answers = [(go(world, value), value) for value in (theirs, nobodys)]
    assert difference(before, snapshot()) == {}
    assert [answer.status_code for answer, _value in answers] == [status, status], answers[0][0].content[:500]
    told, other = (plain(answer, value) for answer, value in answers)
    assert told == other
    for what, secret in south.secrets.items():
        assert secret == theirs.encode() or secret in (b"southcanary", b"SOUTHCANARY") or secret not in told, what


def plain(answer, value):
    """An answer without what differs in any two, and without the value that was sent."""
    text = SECRETS_OF_PAGES.sub(b"", content_of(answer))
    for form in (value, value.title(), value.replace("-", "")):
        text = text.replace(form.encode(), b"VALUE")
    return re.sub(rb"Content-Length: \d+", b"", text)


@pytest.mark.parametrize("thing", ["other_cell", "ready"])
def test_a_cell_of_another_set_is_no_cell_of_this_one(world, thing):
    north, cell = world.north, getattr(world.north, thing)
    other = north.set if thing == "other_cell" else north.other_set
    client, before = world.browsers["manager"], snapshot()
    for name in ("cell", "inspect"):
        url = reverse(f"admin:image_studio_variantset_{name}", args=[other.pk, cell.pk])
        assert client.post(url, {"do": "shortlist"}).status_code == 404
    for verb in ("cancel", "retry"):
        url = f"{V1}variant-sets/{other.pk}/cells/{cell.pk}/{verb}/"
        assert world.programs["manager"].post(url, **bodies.sent({})).status_code == 404
    assert difference(before, snapshot()) == {}


def test_a_job_of_another_set_shows_no_early_version_here(world):
    url = reverse(
        "admin:image_studio_variantset_partial", args=[world.north.other_set.pk, world.north.working_job.pk, 0]
    )
    assert world.browsers["manager"].get(url).status_code == 404


def test_a_cursor_of_the_other_brand_opens_nothing(world):
    """A cursor is a place in a list, and no right: whoever made one up still reads their own rows only."""
    theirs = world.programs["rival"].get(f"{V1}assets/?limit=1").json()["next"]
    answer = world.programs["manager"].get(theirs)
    assert answer.status_code == 200
    assert b"southcanary" not in answer.content
    page = world.browsers["rival"].get(reverse("admin:image_studio_asset_changelist"), {"sort": "price"})
    for link in re.findall(r'href="(\?[^"]*cursor=[^"]+)"', page.content.decode()):
        answer = world.browsers["manager"].get(reverse("admin:image_studio_asset_changelist") + link)
        assert b"southcanary" not in answer.content


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)",
                                 "http:///evil.example", "\x08//evil.example", " //evil.example"])  # fmt: skip
def test_a_form_leads_to_no_other_host(world, url):
    client, north = world.browsers["manager"], world.north
    answer = client.post(
        reverse("admin:image_studio_asset_say", args=[north.candidate.pk]), {"do": "shortlist", "next": url}
    )
    assert answer["Location"] == reverse("admin:image_studio_asset_change", args=[north.candidate.pk]) + ""
    for name, args, data in (
        ("asset_review_say", [north.candidate.pk], {"do": "unshortlist", "next": url, "show": url}),
        ("variantset_say", [north.set.pk], {"do": "retry", "next": url, "show": url}),
        ("variantset_cell", [north.set.pk, north.ready.pk], {"do": "shortlist", "next": url, "show": url}),
        ("variantset_inspect", [north.set.pk, north.ready.pk], {"do": "unshortlist", "next": url, "show": url}),
    ):
        answer = client.post(reverse(f"admin:image_studio_{name}", args=args), data)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/image_studio/")
        assert "evil" not in answer["Location"]


# Django's own doors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["stranger", "manager", "other"])
def test_the_first_pages_tell_nothing_of_others(world, role):
    for url in (reverse("admin:index"), reverse("admin:app_list", args=["image_studio"])):
        told = content_of(world.browsers[role].get(url))
        assert b"southcanary" not in told
        if role == "stranger":
            assert b"northcanary" not in told
        if role == "other":
            assert not [name for name, secret in world.north.owned.items() if secret in told]


def test_django_completes_no_names_of_others(world):
    """Every relation of the studio's models, through the admin's own completion."""
    models = [model for model in ContentType.objects.filter(app_label="image_studio") if model.model_class()]
    asked = 0
    for kind in models:
        for field in kind.model_class()._meta.concrete_fields:
            if field.remote_field is None:
                continue
            query = {"app_label": "image_studio", "model_name": kind.model, "field_name": field.name, "term": ""}
            answer = world.browsers["manager"].get(reverse("admin:autocomplete"), query)
            assert answer.status_code in (200, 403, 404)
            assert b"southcanary" not in answer.content
            asked += answer.status_code == 200
    assert asked


@pytest.mark.parametrize("name", ["brand", "candidate", "prompt", "set", "failed_job", "event"])
def test_django_shows_nothing_of_others_on_the_site(world, name):
    thing = getattr(world.south, name)
    kind = ContentType.objects.get_for_model(thing)
    answer = world.browsers["manager"].get(reverse("admin:view_on_site", args=[kind.pk, thing.pk]))
    assert answer.status_code == 404
    assert b"southcanary" not in content_of(answer)
