"""Words of people, files and providers run nowhere: every text field holds a script, and every page is parsed."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.template import Context, Template
from django.urls import reverse
from PIL import Image

from image_studio import storage
from image_studio.models import (
    Asset,
    Attempt,
    Brand,
    BrandRevision,
    Channel,
    CheckResult,
    EditChain,
    EditDraft,
    EditRecipe,
    EditStep,
    Event,
    Job,
    LedgerEntry,
    Prompt,
    PromptVersion,
    Replay,
    Review,
    Switch,
    Variant,
    VariantSet,
    guards,
)
from tests import factories
from tests.admin.browser import Page
from tests.rights import bodies
from tests.rights.asking import address, ask
from tests.rights.routes import API, ROWS
from tests.rights.world import content_of

pytestmark = pytest.mark.django_db
#: Out of an attribute, out of a text, out of a script, out of a template, and backwards. 7191 * 7 = 50337.
RUNS = "\"'><img src=x onerror=canary()><script>canary()</script>{{7191*7}}{% now %}${7191*7}\u202e"
#: The same where braces are places.
SAYS = "\"'><img src=x onerror=canary()><script>canary()</script>\u202e"
TEXT = {"en": RUNS, "ar": RUNS}


def poison():
    """The canary in every column that takes words from a person, a file or a provider."""
    rows = {
        Asset: {"title": RUNS, "alt": TEXT, "tags": [RUNS], "rights_owner": RUNS, "licence": RUNS, "territory": RUNS},
        Attempt: {"request_id": RUNS[:120], "host": RUNS, "error_params": {"detail": RUNS, "message": RUNS}},
        Brand: {"name": RUNS},
        Channel: {"name": RUNS[:80], "source": RUNS},
        CheckResult: {"params": {"layer": RUNS, "ratio": RUNS, "needed": RUNS}, "check_name": RUNS[:64]},
        EditChain: {"title": RUNS, "actor_label": RUNS, "route": RUNS[:40]},
        EditDraft: {"data": {"instruction": RUNS, RUNS: RUNS}},
        EditRecipe: {"name": RUNS, "actor_label": RUNS, "steps": [{"kind": "edit", "instruction": RUNS}]},
        EditStep: {
            "instruction": RUNS,
            "note": RUNS,
            "actor_label": RUNS,
            "order": {"kind": "edit", "instruction": RUNS},
        },
        Event: {"actor_label": RUNS, "data": {RUNS: RUNS}},
        Job: {
            "actor_label": RUNS,
            "error_params": {"detail": RUNS, "message": RUNS, "error": RUNS},
            "model": RUNS[:80],
        },
        LedgerEntry: {"note": RUNS, "user_label": RUNS, "actor_label": RUNS, "model": RUNS[:80]},
        Prompt: {"name": RUNS, "description": RUNS},
        PromptVersion: {
            "template": f"{SAYS} {{mood}}",
            "actor_label": RUNS,
            "variables": [{"name": "mood", "type": "text", "default": RUNS, "help": RUNS, "choices": []}],
        },
        Replay: {"title": RUNS, "actor_label": RUNS},
        Review: {"note": RUNS, "reviewer_label": RUNS},
        Switch: {"reason": RUNS[:300], "actor_label": RUNS},
        Variant: {"error_params": {"detail": RUNS}},
        VariantSet: {"title": RUNS, "prompt_text": RUNS, "actor_label": RUNS, "texts": {"headline": TEXT}},
    }
    guards.remove()  # what was entered stays, for everybody but this test
    for model, values in rows.items():
        model._base_manager.update(**values)
    guards.install()
    Job.objects.filter(state="failed").update(error_code="provider.unusable_answer")
    Asset._base_manager.update(recipe={"request": {"prompt": RUNS}, "request_id": RUNS, "provider": RUNS, RUNS: RUNS})
    for cell in Variant.objects.all():
        Variant.objects.filter(pk=cell.pk).update(channel_spec={**cell.channel_spec, "name": RUNS[:80]})
    for revision in BrandRevision.objects.all():
        lines = [{**line, "text": RUNS} for line in revision.content["lines"]]
        content = {**revision.content, "name": RUNS, "lines": lines}
        BrandRevision.objects.filter(pk=revision.pk).update(content=content, note=RUNS, actor_label=RUNS)
    for user in get_user_model().objects.all():
        get_user_model().objects.filter(pk=user.pk).update(username=f"{SAYS[:100]}{user.pk}", first_name=RUNS[:100])


def harmless(html):
    """A page or a fragment of one in which nothing of the canary became more than words."""
    page = Page(html)
    assert page.inline == []
    assert not [link for link in page.links if link.lower().strip().startswith(("javascript", "data"))]
    assert "50337" not in html
    assert "canary()</script" not in html
    assert "src=x" not in html.replace("&lt;img src=x", "")


def judge(answer):
    """Whatever it is: a page, data with pages in it, data."""
    kind, told = answer.get("Content-Type", ""), content_of(answer).decode(errors="replace")
    if kind.startswith("text/html"):
        harmless(told)
        return
    assert kind in ("application/json", "application/problem+json"), kind
    for words in strings(json.loads(answer.content)):
        if "<" in words and words.lstrip().startswith("<"):
            harmless(words)


def strings(value, key=""):
    """Strings of data that a page takes for HTML."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)
    elif isinstance(value, str) and key in ("html", "bar", "dialog"):
        yield value


LOOKS = [row for row in ROWS if row.method == "GET" and not row.file and row.ok == 200 and row.verb != "never"]


@pytest.mark.parametrize("row", LOOKS, ids=str)
def test_no_page_runs_what_it_shows(world, row):
    poison()
    answer = ask(world, row, "superuser", "north", {})
    assert answer.status_code == 200
    judge(answer)
    if row.name.startswith(API) and not row.name.endswith("docs"):
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_canary_is_on_the_pages_at_all(world):
    """Without this the test above might look at empty pages."""
    poison()
    north, client, seen = world.north, world.browsers["superuser"], {}
    for name, args in (
        ("asset_change", [north.candidate.pk]),
        ("asset_changelist", []),
        ("variantset_change", [north.set.pk]),
        ("variantset_inspect", [north.set.pk, north.ready.pk]),
        ("asset_review_one", [north.candidate.pk]),
        ("prompt_change", [north.prompt.pk]),
        ("brand_change", [north.brand.pk]),
        ("job_change", [north.failed_job.pk]),
        ("event_change", [north.event.pk]),
    ):
        html = client.get(reverse(f"admin:image_studio_{name}", args=args)).content.decode()
        seen[name] = html.count("&lt;script&gt;canary()")
    assert all(seen.values()), seen


@pytest.mark.parametrize("row", [row for row in LOOKS if row.name.startswith("admin")], ids=str)
def test_no_fragment_runs_what_it_shows(world, row):
    """What scripts put into a page, as far as a view has such an answer."""
    poison()
    url, _said = address(row, world.north)
    client = world.browsers["superuser"]
    for more, headers in (("", {"Accept": "application/json"}), ("part=1", {}), ("dialog=1", {})):
        judge(client.get(url + (("&" if "?" in url else "?") + more if more else ""), headers=headers))


@pytest.mark.parametrize("field", ["q", "show", "brand", "cursor", "sort", "have", "state", "next", "source", "cell"])
def test_no_page_runs_what_it_is_asked(world, field):
    """The address is a text too."""
    for row in LOOKS:
        if row.name.startswith("admin:") and row.scope in ("list", "own", "any"):
            url, _said = address(row, world.north)
            answer = world.browsers["superuser"].get(url, {field: RUNS})
            if answer.status_code == 200:
                judge(answer)


def poisoned_photo():
    """A photograph whose every tag is the canary."""
    image, buffer = factories.draw_photo((90, 70), hue=3), io.BytesIO()
    exif = Image.Exif()
    for tag in (0x010E, 0x013B, 0x8298, 0x0131, 0x010F, 0x0110):
        exif[tag] = SAYS
    xmp = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{SAYS.replace("<", "&lt;").replace('"', "")}
    </dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"""
    image.save(buffer, "JPEG", exif=exif, xmp=xmp.encode(), comment=SAYS.encode())
    return buffer.getvalue()


@pytest.mark.parametrize("way", ["admin", "form", "api"])
def test_an_uploads_name_and_tags_are_only_words(world, way):
    north, data = world.north, poisoned_photo()
    file = bodies.SimpleUploadedFile(f"{SAYS}.jpg", data, "text/html")
    client, program = world.browsers["creator"], world.programs["creator"]
    if way == "admin":
        answer = client.post(
            reverse("admin:image_studio_asset_upload"), {"brand": north.brand.pk, "file": file}, headers=bodies.SCRIPT
        )
    elif way == "form":
        answer = client.post(
            reverse("admin:image_studio_asset_add"), {"brand": north.brand.pk, "pictures": file}, follow=True
        )
    else:
        answer = program.post("/studio/v1/assets/", {"brand": north.brand.slug, "file": file})
    assert answer.status_code in (200, 201), answer.content[:500]
    judge(answer)
    asset = Asset.objects.first()
    assert asset.file.endswith((".jpg", ".jpeg"))
    assert "canary" not in asset.file
    for name in ("asset_change", "asset_review_one"):
        judge(client.get(reverse(f"admin:image_studio_{name}", args=[asset.pk])))
    judge(client.get(reverse("admin:image_studio_asset_changelist")))
    for which in ("preview", "full"):
        served = world.browsers["creator"].get(reverse("image_studio:picture", args=[asset.pk, which]))
        assert b"canary" not in content_of(served)
        assert served["Content-Type"].startswith("image/")
    original = world.browsers["manager"].get(reverse("image_studio:picture", args=[asset.pk, "original"]))
    assert original["Content-Disposition"].startswith("attachment")
    assert "canary" not in original["Content-Disposition"]
    assert original["Content-Type"] == "image/jpeg"
    assert storage.read(storage.private(), asset.file) == data


def test_a_refused_files_name_is_only_words(world):
    for name in (f"{SAYS}.jpg", "\u202egnp.exe"):
        file = bodies.SimpleUploadedFile(name, b"<html><script>canary()</script>", "image/jpeg")
        data = {"brand": world.north.brand.pk, "pictures": file}
        answer = world.browsers["creator"].post(reverse("admin:image_studio_asset_add"), data)
        assert answer.status_code == 200
        judge(answer)


def test_no_name_in_a_download_is_a_clients(world):
    poison()
    for name, args in (("variantset_zip", [world.north.set.pk]), ("brand_export", [world.north.brand.pk])):
        answer = world.browsers["manager"].get(reverse(f"admin:image_studio_{name}", args=args))
        header = answer.get("Content-Disposition", "")
        content_of(answer)
        assert header.startswith("attachment") or answer.status_code == 302
        assert not [bad for bad in ("<", ">", "\u202e", "%E2%80%AE", "canary()") if bad in header]


def test_a_sites_own_page_shows_words_as_words(world):
    poison()
    asset = Asset.objects.get(pk=world.north.public.pk)
    html = Template("{% load image_studio %}{% studio_picture asset %}").render(Context({"asset": asset}))
    assert "<img" in html
    harmless(html)
