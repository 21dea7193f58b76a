"""What is sent: each function makes the body of one use of a route, about the things of one side."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from image_studio.policy import Policy
from image_studio.workflow.chain_export import export_chain
from image_studio.workflow.replacing import preview_replacement
from tests import factories
from tests.admin.browser import Page
from tests.rights.world import Side, World

_numbers = itertools.count(1)
SCRIPT = {"Accept": "application/json"}


def picture(name: str = "new.png") -> SimpleUploadedFile:
    """A picture that nobody has."""
    number = next(_numbers)
    image = factories.draw_photo((60 + number % 200, 40 + number // 200), hue=number)
    return SimpleUploadedFile(name, factories.encoded(image), "image/png")


def form(data: dict[str, Any], **headers: str) -> dict[str, Any]:
    return {"data": data, "headers": headers}


def sent(data: dict[str, Any], **headers: str) -> dict[str, Any]:
    keyed = {"Idempotency-Key": f"key-{next(_numbers)}", **headers}
    return {"data": json.dumps(data), "content_type": "application/json", "headers": keyed}


def page_form(world: World, page: str, *args: Any, query: str = "", **changes: Any) -> dict[str, Any]:
    """The form of a page as a superuser's browser would send it: nothing is missing but the right."""
    url = reverse(f"admin:image_studio_{page}", args=args) + query
    if url not in world.pages:
        world.pages[url] = world.browsers["superuser"].get(url)
    return form(_without_actions(Page.of(world.pages[url]).data(**changes)))


def _without_actions(data: dict[str, Any]) -> dict[str, Any]:
    """Django 6.1 has its actions in the same form; what is pressed here is Save."""
    return {name: values for name, values in data.items() if not name.startswith("CHANGE_FORM-")}


def say(do: str, **data: Any) -> Any:
    def body(world: World, side: Side) -> dict[str, Any]:
        return form({"do": do, **data}, **SCRIPT)

    return body


def tick(do: str, **data: Any) -> Any:
    def body(world: World, side: Side) -> dict[str, Any]:
        asset = side.candidate
        return form({"do": do, "cell": f"{side.ready.pk}.{asset.pk}.{asset.sha256[:12]}", **data})

    return body


def constant(**data: Any) -> Any:
    def body(world: World, side: Side) -> dict[str, Any]:
        return sent(data)

    return body


# The admin ----------------------------------------------------------------------------------------------------------


def yes(world: World, side: Side) -> dict[str, Any]:
    return form({"post": "yes"})


def _action(name: str, thing: Any) -> dict[str, Any]:
    return form({"action": name, "_selected_action": str(thing.pk), "index": "0"})


def shortlist_action(world: World, side: Side) -> dict[str, Any]:
    return _action("shortlist", side.candidate)


def change_words(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "price", "note": "Greener"}, **SCRIPT)


def replay_price(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "price", "picture": str(side.raw.pk)})


def retry_nothing(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "retry", "step": "none", "key": "one"})


def say_use(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "use", "index": "0"})


def generate_action(world: World, side: Side) -> dict[str, Any]:
    return _action("generate", side.prompt)


def upload_form(world: World, side: Side) -> dict[str, Any]:
    return form({"brand": str(side.brand.pk), "pictures": picture()})


def upload(world: World, side: Side) -> dict[str, Any]:
    return form({"brand": str(side.brand.pk), "file": picture()}, **SCRIPT)


def words_form(world: World, side: Side) -> dict[str, Any]:
    return page_form(world, "asset_change", side.candidate.pk, title="Renamed")


def kit_form(world: World, side: Side) -> dict[str, Any]:
    body = page_form(world, "brand_change", side.brand.pk)
    names = [name for name in body["data"] if name.endswith("-name") or name == "name"]
    assert names, sorted(body["data"])
    body["data"][names[0]] = ["Renamed"]
    return body


def kit_file(world: World, side: Side) -> dict[str, Any]:
    """Its own kit under another name."""
    url = reverse("admin:image_studio_brand_export", args=[side.brand.pk])
    kept, made = io.BytesIO(world.browsers["superuser"].get(url).content), io.BytesIO()
    with zipfile.ZipFile(kept) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data.replace(side.brand.kit.name.encode(), b"Renamed", 1))
    return form({"archive": SimpleUploadedFile("brand.zip", made.getvalue(), "application/zip")})


def prompt_form(world: World, side: Side) -> dict[str, Any]:
    changes = {"brand": str(side.brand.pk), "name": "New", "slug": "new-one", "template": "A cup"}
    return page_form(world, "prompt_add", **changes)


def typed_words(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "words", "words": "A cup in window light", "brand": str(side.brand.pk)})


def template_form(world: World, side: Side) -> dict[str, Any]:
    return page_form(world, "prompt_change", side.prompt.pk, template="A cup in {mood} light")


def order_form(world: World, side: Side) -> dict[str, Any]:
    """What a superuser has seen the price of, under a key that no order had."""
    query = f"?source={side.raw.pk}"
    asked = page_form(world, "variantset_generate", query=query)["data"]
    url = reverse("admin:image_studio_variantset_generate") + query
    if f"priced {url}" not in world.pages:
        chosen = {**asked, "do": "price", "channels": ["square"], "locales": ["en"]}
        world.pages[f"priced {url}"] = world.browsers["superuser"].post(url, chosen)
    priced = Page.of(world.pages[f"priced {url}"]).data()
    return form({**priced, "do": "order", "key": f"key-{next(_numbers)}"})


def replace_form(world: World, side: Side) -> dict[str, Any]:
    """What a superuser has seen of the places."""
    found = preview_replacement(Policy.operator(), side.worn, side.public)
    return form({"successor": str(side.public.pk), "seen": found.digest})


say_shortlist, say_approve = say("shortlist"), say("approve", declaration=factories.DECLARED)
say_withdraw, say_reject = say("withdraw", note="why"), say("reject", reason="off_brand")
say_retry, say_cancel, say_recompose = say("retry", key="one"), say("cancel"), say("recompose")
tick_shortlist, tick_reject = tick("shortlist"), tick("reject", reason="off_brand")


def say_change_form(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "change", "note": "warmer", "seen": side.candidate.sha256})


def say_stop(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "stop", "what": f"brand:{side.brand.slug}", "reason": "a test"})


def correction_form(world: World, side: Side) -> dict[str, Any]:
    said = {"brand": side.brand.slug, "amount": "0.02", "way": "less", "note": "on the bill"}
    return form({**said, "key": f"key-{next(_numbers)}"})


def budget_form(world: World, side: Side) -> dict[str, Any]:
    return page_form(world, "budget_add", brand=side.brand.slug, period="year", hard="1000", soft="900")


def limits_form(world: World, side: Side) -> dict[str, Any]:
    return page_form(world, "budget_change", side.budget.pk, hard="101.5")


def say_resend(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "resend", "key": f"key-{next(_numbers)}"})


def say_write_off(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "write_off", "charged": "bill", "amount": "0.03", "note": "on the bill"})


say_adopt = say("adopt")


# The API ------------------------------------------------------------------------------------------------------------

nothing = constant()
new_title, new_name, new_words = constant(title="Renamed"), constant(name="Renamed"), constant(template="A cup")
shortlisting, estimate = constant(decision="shortlist"), constant(route="placeholder")
approval = constant(decision="approve", declaration=factories.DECLARED)
approval_publish = constant(decision="approve", declaration=factories.DECLARED, publish=True)


def succeeding(world: World, side: Side) -> dict[str, Any]:
    return sent({"successor": str(side.public.pk)})


def replacing(world: World, side: Side) -> dict[str, Any]:
    return sent({"successor": str(side.public.pk), "note": "nicer"})


finishing = constant(route="premium")
say_rename = say("rename", title="Another title")
say_draft = say("", data='{"instruction": "Half a sentence"}')


def say_begin(world: World, side: Side) -> dict[str, Any]:
    return form({"do": "start", "source": str(side.raw.pk)})


def step_form(world: World, side: Side) -> dict[str, Any]:
    return page_form(world, "editchain_change", side.chain.pk, instruction="Greener", do="price")


def painted_form(world: World, side: Side) -> dict[str, Any]:
    """A corner of the start's picture, painted."""
    image = factories.Image.new("RGBA", side.raw.size, (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, side.raw.width // 3, side.raw.height // 3))
    file = SimpleUploadedFile("mask.png", factories.encoded(image), "image/png")
    return form({"role": "mask", "parent": "1", "candidate": "0", "file": file})


finish_form = say("", route="premium", key="k", digest="d")


noting, new_limit = constant(note="not on the bill"), constant(hard_micro_usd=200_000_000)


def new_budget(world: World, side: Side) -> dict[str, Any]:
    return sent({"brand": side.brand.slug, "period": "day", "hard_micro_usd": 5_000_000})


def stopping(world: World, side: Side) -> dict[str, Any]:
    return sent({"brand": side.brand.slug, "reason": "a test"})


def resuming(world: World, side: Side) -> dict[str, Any]:
    return sent({"brand": side.brand.slug})


def correcting(world: World, side: Side) -> dict[str, Any]:
    return sent({"brand": side.brand.slug, "micro_usd": -1000, "note": "by the bill"})


def api_upload(world: World, side: Side) -> dict[str, Any]:
    return form({"brand": side.brand.slug, "file": picture()})


def new_prompt(world: World, side: Side) -> dict[str, Any]:
    return sent({"brand": side.brand.slug, "slug": "new-one", "template": "A cup"})


def _matrix(side: Side, **more: Any) -> dict[str, Any]:
    return sent({"brand": side.brand.slug, "channels": ["square"], "locales": ["en"], **more})


def matrix_source(world: World, side: Side) -> dict[str, Any]:
    return _matrix(side, route="reframe", source=str(side.raw.pk))


def matrix_prompt(world: World, side: Side) -> dict[str, Any]:
    return _matrix(side, route="placeholder", prompt=str(side.prompt.pk))


# Edit chains --------------------------------------------------------------------------------------------------------

WIDER = {"kind": "extend", "ratio": "2:1", "route": "reframe"}
widening, naming = constant(**WIDER), constant(name="A recipe")
new_head, new_chain_of_2 = constant(step=3, seen=2), constant(step=2)
choosing, rejecting = constant(candidate=0), constant(reason="quality")
region = constant(region=[0.2, 0.2, 0.3, 0.3])


def chain_source(world: World, side: Side) -> dict[str, Any]:
    return sent({"brand": side.brand.slug, "asset": str(side.raw.pk)})


def chain_words(world: World, side: Side) -> dict[str, Any]:
    return sent({"brand": side.brand.slug, "prompt": {"instruction": "A cup", "route": "placeholder"}})


def mask_form(world: World, side: Side) -> dict[str, Any]:
    """Half of the picture, painted in white on black."""
    image = factories.Image.new("L", side.raw.size, 0)
    image.paste(255, (0, 0, side.raw.width // 2, side.raw.height))
    file = SimpleUploadedFile("mask.png", factories.encoded(image), "image/png")
    return form({"file": file, "reads": "white"})


def _history(side: Side) -> SimpleUploadedFile:
    """The side's own history under a name that no import had, and that is nobody's secret."""
    with export_chain(Policy.operator(), side.chain).file as kept, zipfile.ZipFile(kept) as source:
        files = {name: source.read(name) for name in source.namelist()}
    plain = json.loads(files["chain.json"])
    plain["chain"]["title"] = f"History {next(_numbers)}"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name, data in {**files, "chain.json": json.dumps(plain)}.items():
            target.writestr(name, data)
    return SimpleUploadedFile("history.zip", made.getvalue(), "application/zip")


def chain_file(world: World, side: Side) -> dict[str, Any]:
    return form({"brand": str(side.brand.pk), "archive": _history(side)})


def api_chain_file(world: World, side: Side) -> dict[str, Any]:
    return form({"brand": side.brand.slug, "file": _history(side)})


def walking(world: World, side: Side) -> dict[str, Any]:
    return sent({"assets": [str(side.raw.pk)]})


def path_walk(world: World, side: Side) -> dict[str, Any]:
    return sent({"step": 2, "assets": [str(side.raw.pk)]})
