"""What a route's model cannot do is refused before any spend: in the form, in the API and in the shell alike."""

from __future__ import annotations

import itertools
import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset, Job, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain
from image_studio.workflow import preview
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import signed_in
from tests.api.conftest import API, is_problem
from tests.workflow.paid import cut_out, paid_settings
from tests.workflow.test_preview import matrix_for

pytestmark = pytest.mark.django_db
_keys = itertools.count(1)


@pytest.fixture(autouse=True)
def site(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=())


@pytest.fixture
def brand():
    factories.make_channels("square")
    return factories.make_brand()


@pytest.fixture
def source(brand):
    return factories.make_asset(brand, (64, 48))


def many(number):
    return lambda brand: {"references": [str(factories.make_asset(brand, (8, 8)).pk) for _ in range(number)]}


def of(name, make=cut_out, **fields):
    return lambda brand: {name: str(make(brand, **fields).pk)}


def both(brand):
    return {"mask": str(cut_out(brand).pk), "markup": str(cut_out(brand).pk)}


def too_heavy(brand):
    asset = factories.make_asset(brand, (8, 8))
    Asset.objects.filter(pk=asset.pk).update(weight=50_000_000)
    return {"references": [str(asset.pk)]}


#: Route, options, the rule's code, and a part of its sentence: the nearest choice that holds.
TABLE = {
    "transparency": ("standard", {"background": "transparent"}, "provider.transparent", "Compatible (compat)"),
    "transparent jpeg": (
        "compat",
        {"background": "transparent", "output_format": "jpeg"},
        "provider.transparent_jpeg",
        "PNG or WebP",
    ),
    "gif": ("premium", {"output_format": "gif"}, "format.refused", "png, jpeg, webp"),
    "bmp": ("premium", {"output_format": "bmp"}, "format.not_offered", "png, jpeg, webp"),
    "background": ("premium", {"background": "pink"}, "background.not_offered", "auto, opaque, transparent"),
    "compressed png": ("premium", {"compression": 50}, "provider.compression_png", "JPEG or WebP"),
    "compression": ("premium", {"compression": 101, "output_format": "webp"}, "provider.compression", "0 to 100"),
    "fidelity on 2": ("premium", {"fidelity": "high"}, "fidelity.not_offered", "Compatible (compat)"),
    "complexity": ("premium", {"complexity": "high"}, "complexity.not_offered", "Leave it empty"),
    "moderation": ("premium", {"moderation": "none"}, "moderation.not_offered", "auto, low"),
    "quality": ("greedy", {}, "quality.not_offered", "low, medium, high"),
    "17 inputs": ("premium", many(16), "inputs.too_many", "up to 16"),
    "a heavy input": ("premium", too_heavy, "inputs.too_large", "less than 50000000"),
    "a mask of another size": ("premium", of("mask", size=(32, 32)), "mask.other_size", "64x48"),
    "a mask without alpha": ("premium", of("mask", factories.make_asset, size=(64, 48)), "mask.no_alpha", "PNG"),
    "markup": ("premium", of("markup"), "markup.not_offered", "Hinted (hinted)"),
    "markup with mask": ("hinted", both, "mask.with_markup", "one of them"),
    "a field's own name as a list": ("premium", {"extra": {"N[]": 2}}, "provider.extra_taken", "N[]"),
    "a field's own name": ("premium", {"extra": {"quality": "auto"}}, "provider.extra_taken", "quality"),
    "previs and closeness": ("reframe", {"fidelity": "low"}, "fidelity.not_offered", "-"),
    "previs and planning": ("reframe", {"complexity": "low"}, "complexity.not_offered", "-"),
    "previs and a mask": ("reframe", of("mask"), "provider.mask", "mask"),
    "previs and references": ("reframe", many(1), "provider.reference", "reference"),
}


@pytest.fixture(params=TABLE.values(), ids=TABLE)
def row(request, brand):
    route, options, code, near = request.param
    return route, options(brand) if callable(options) else options, code, near


def prompt_of(brand, route):
    """Reframe follows none."""
    return None if route == "reframe" else factories.make_prompt(brand, "A red bottle", variables=[])


def test_a_preview_names_the_rule_and_what_holds(row, brand, source):
    route, options, code, near = row
    found = preview(
        Policy.operator(),
        matrix_for(brand, route=route, source=source, prompt_version=prompt_of(brand, route), options=options),
    )
    blocking = {finding.code: finding for finding in found.findings if finding.blocks}
    assert list(blocking) == [code]
    assert near in explain(code, blocking[code].params)


def test_the_api_refuses_it(row, brand, source):
    route, options, code, near = row
    client = API(factories.make_user("creator", brand=brand))
    prompt = prompt_of(brand, route)
    body = {
        "brand": brand.slug,
        "route": route,
        "channels": ["square"],
        "locales": ["en"],
        "source": str(source.pk),
        "prompt": str(prompt.prompt_id) if prompt else None,
        "options": options,
    }
    priced = client.say("variant-sets/preview/", body, status=200)
    assert [one["code"] for one in priced["findings"] if one["blocks"]] == [code]
    refused = client.ask("POST", "variant-sets/", body, idempotency_key=f"key-{next(_keys)}")
    assert near in is_problem(refused, 422, code)["detail"]
    assert not VariantSet.objects.exists()


def test_the_form_refuses_it(row, brand, source):
    route, options, _code, near = row
    boss = signed_in(factories.make_user(is_staff=True, is_superuser=True))
    prompt = prompt_of(brand, route)
    query = f"?source={source.pk}" + (f"&prompt={prompt.prompt_id}" if prompt else "")
    url = reverse("admin:image_studio_variantset_generate") + query
    page = Page.of(boss.get(url))
    said = {f"opt_{name}": json.dumps(value) if name == "extra" else value for name, value in options.items()}
    data = page.data(channels="square", locales="en", route=route) | said
    priced = boss.post(reverse("admin:image_studio_variantset_price") + query, data).json()
    words = [one["words"] for one in priced["findings"] if one["blocks"]]
    assert len(words) == 1
    assert near in words[0]
    assert priced["digest"] == ""
    again = Page.of(boss.post(url, {**data, "do": "order"}))
    assert near in " ".join(again.texts) or near in again.html
    assert not VariantSet.objects.exists()


def test_the_shell_refuses_it(row, brand, source, capsys):
    route, options, _code, near = row
    prompt = prompt_of(brand, route)
    args = ["--brand", brand.slug, "--route", route, "--source", str(source.pk), "--channel", "square"]
    for name, value in options.items():
        if name == "extra":
            args += [part for key, one in value.items() for part in ("--option", f"{key}={one}")]
        else:
            flag = "--" + name.replace("_", "-").removesuffix("s")
            args += [part for one in (value if isinstance(value, list) else [value]) for part in (flag, str(one))]
    with pytest.raises(CommandError) as caught:
        call_command("studio_generate", *([prompt.prompt.slug] if prompt else []), *args)
    assert caught.value.returncode == 2
    assert near in str(caught.value)
    assert not Job.objects.exists()


def nested(depth):
    found: dict = {}
    for _ in range(depth):
        found = {"x": found}
    return found


# What cannot even be counted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"colour": "red"}, "option.unknown"),
        ({"background": 7}, "option.wrong_type.choice"),
        ({"background": "x" * 41}, "option.wrong_type.choice"),
        ({"compression": "much"}, "option.wrong_type.whole"),
        ({"compression": True}, "option.wrong_type.whole"),
        ({"mask": "here"}, "option.wrong_type.picture"),
        ({"references": "01890000-0000-7000-8000-000000000000"}, "option.wrong_type.pictures"),
        ({"references": ["x"]}, "option.wrong_type.pictures"),
        ({"extra": ["x"]}, "option.wrong_type.raw"),
        ({"extra": {"x": float("nan")}}, "option.wrong_type.raw"),
        ({"extra": {"x": "y" * 9000}}, "option.wrong_type.raw"),
        ({"extra": {"x": ["\0"]}}, "option.wrong_type.raw"),
        ({"extra": {"\0": 1}}, "option.wrong_type.raw"),
        ({"extra": {"x": "\ud800"}}, "option.wrong_type.raw"),
        ({"extra": nested(900)}, "option.wrong_type.raw"),
        ({"mask": "01890000-0000-7000-8000-000000000000"}, "option.no_such_picture"),
    ],
)
def test_an_option_that_is_none_is_an_error_in_words(brand, options, code):
    with pytest.raises(InvalidRequest) as caught:
        preview(Policy.operator(), matrix_for(brand, options=options))
    assert caught.value.code == code
    assert explain(code, caught.value.params) != code


@pytest.mark.parametrize("name", ["references", "mask", "markup"])
def test_somebody_elses_picture_is_as_if_it_were_not_there(brand, name):
    """Another brand's, and another person's for who sees only their own."""
    theirs = factories.make_asset(factories.make_brand(), (8, 8))
    mine = factories.make_asset(brand, (8, 8))
    own = Policy(factories.make_user("creator", brand=brand, own_only=True))
    for policy, asset in ((Policy.operator(), theirs), (own, mine)):
        given = [str(asset.pk)] if name == "references" else str(asset.pk)
        start = factories.make_asset(brand, (8, 8), created_by=policy.user)
        matrix = matrix_for(brand, source=start, prompt_version=None, route="reframe", options={name: given})
        with pytest.raises(InvalidRequest, match=r"option\.no_such_picture"):
            preview(policy, matrix)


def test_a_picture_that_may_not_be_used_is_a_finding(brand, source):
    old = factories.make_asset(brand, (8, 8), expires_at=factories.long_ago())
    options = {"references": [str(old.pk)]}
    version = factories.make_prompt(brand, "A cup", variables=[])
    found = preview(
        Policy.operator(), matrix_for(brand, route="premium", source=source, prompt_version=version, options=options)
    )
    assert [(one.code, one.where) for one in found.findings if one.blocks] == [("job.source_expired", "inputs")]


def test_a_prompt_that_is_too_long_is_refused(brand):
    version = factories.make_prompt(brand, "x" * 31_990 + " {thing}", variables=[])
    with pytest.raises(InvalidRequest, match=r"prompt\.too_long"):
        preview(Policy.operator(), matrix_for(brand, prompt_version=version, variables={"thing": "y" * 100}))


def test_a_size_that_a_model_does_not_make_is_told_with_the_nearest(brand):
    client = API(factories.make_user("creator", brand=brand))
    found = client.say("estimate/", {"model": "gpt-image-2", "size": "1000x1000"}, status=200)
    assert [(one["code"], "1008x1008" in one["message"]) for one in found["findings"]] == [("size.multiple", True)]


def test_a_gif_is_no_source(brand, tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(factories.encoded(factories.draw_photo((8, 8)), "gif"))
    with pytest.raises(CommandError, match="gif"):
        call_command("studio_generate", "--brand", brand.slug, "--route", "reframe", "--source", str(path))
