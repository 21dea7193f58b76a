"""Every form of the admin that can spend: it says what is left, is bound to the price that was seen, and buys once."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.db.models import Sum
from django.urls import reverse

import image_studio
from image_studio.admin.again import priced
from image_studio.catalog.specs import models
from image_studio.models import EditStep, IdempotencyKey, Job, LedgerEntry, VariantSet
from image_studio.runner import drain
from image_studio.wording.money import most_dollars
from image_studio.workflow.cells import Again
from image_studio.workflow.chains import choose
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories
from tests.admin.browser import Page
from tests.ledger.money import held
from tests.workflow.chains import OPERATOR, ask, chain_from, paid_site
from tests.workflow.test_finish import draft_set, first

pytestmark = pytest.mark.django_db
TEMPLATES = Path(image_studio.__file__).parent / "templates" / "admin" / "image_studio"
#: What the buttons of the admin say, and whether it can spend. A new one fails until it stands here.
SPENDS = {"order", "ask", "begin", "replay", "retry", "resend"}
FREE = {
    # Moves money, and buys nothing.
    "correct",
    *("adopt", "approve", "approve_publish", "cancel", "carry", "change", "choose", "close", "fork", "head"),
    *("override", "price", "publish", "recipe", "recompose", "reject", "remove", "rename", "reopen", "resume", "save"),
    *("search", "shortlist", "start", "stop", "take", "undecide", "unshortlist", "use", "withdraw", "write_off"),
    *("compare",),
}
BUTTON = re.compile(r'<button[^>]*?name="do" value="([a-z_]+)"')
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="key"|\{\{ form\.key \}\}|\{% for name, value in form\.kept %\}')


@pytest.fixture(autouse=True)
def server(settings, tmp_path):
    with paid_site(settings, tmp_path, BRAND_CHECKS=()) as fake:
        factories.make_channels("square")
        yield fake


# The forms ----------------------------------------------------------------------------------------------------------


def test_every_button_is_classified():
    said = {verb for path in TEMPLATES.rglob("*.html") for verb in BUTTON.findall(path.read_text())}
    assert said <= SPENDS | FREE, said - SPENDS - FREE
    assert said >= SPENDS


def test_every_button_that_can_spend_carries_a_key():
    """A hidden field of its form; where many buttons share a form, its own address."""
    seen = 0
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        inside = [form for form in FORM.findall(text) if SPENDS & set(BUTTON.findall(form))]
        assert all(HIDDEN.search(form) for form in inside), path.name
        seen += sum(verb in SPENDS for form in inside for verb in BUTTON.findall(form))
        for button in re.findall(r"<button[^>]*?>", FORM.sub("", text)):
            if set(BUTTON.findall(button)) & SPENDS:
                assert "?key={{" in button, path.name
                seen += 1
    assert seen >= 11


# The orders ---------------------------------------------------------------------------------------------------------


def page_url(name, *args, query=""):
    return reverse(f"admin:image_studio_{name}", args=args) + query


def by_price(client, url, pick=None, **typed):
    """The page after "Price it", and its form as it would be sent."""
    page = Page.of(client.get(url))
    form = pick(page) if pick else None
    page = Page.of(client.post(url, {**page.data(form, **typed), "do": "price"}))
    return page, page.data(pick(page) if pick else None)


def generate(client, brand):
    version = factories.make_prompt(brand, "A jug on a table", variables=[])
    url = page_url("variantset_generate", query=f"?prompt={version.prompt_id}")
    page, form = by_price(client, url, route="quick", locales=["en"])
    return page, url, {**form, "do": "order"}


def begin(client, brand):
    url = page_url("editchain_add")

    def pick(page):
        return next(field.form for field in page.fields if field.name == "key")

    page, form = by_price(client, url, pick, instruction="A jug", brand=str(brand.pk), route="quick")
    return page, url, {**form, "do": "begin"}


def change(client, brand):
    url = page_url("asset_edit", factories.make_asset(brand, (320, 240)).pk)
    page, form = by_price(client, url, note="Greener", route="quick")
    return page, url, {**form, "do": "ask"}


def workbench(client, brand):
    url = page_url("editchain_change", chain_from(factories.make_asset(brand, (320, 240))).pk)

    def pick(page):
        return next(form for form in page.forms if form.get("id") == "ask")

    page, form = by_price(client, url, pick, instruction="Greener", route="quick")
    return page, url, {**form, "do": "ask"}


def replay(client, brand):
    chain = chain_from(factories.make_asset(brand, (320, 240)))
    step = ask(chain)
    choose(OPERATOR, step, 0)
    recipe = save_recipe(OPERATOR, step, "Green")
    url = page_url("editrecipe_replay", recipe.pk)
    page, form = by_price(client, url, picture=str(factories.make_asset(brand, (300, 200)).pk))
    return page, url, {**form, "do": "replay"}


def finish(client, brand):
    cell = first(draft_set(brand))
    page = Page.of(client.get(page_url("variantset_inspect", cell.variant_set_id, cell.pk)))
    url = page_url("variantset_finish", cell.variant_set_id, cell.pk)
    form = next(one for one in page.forms if one.get("action") == url)
    return page, url, page.data(form)


ORDERS = [generate, begin, change, workbench, replay, finish]
SPENDING = pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)


def bought():
    """Jobs that wait to be sent; drafts and recipes were made before."""
    return Job.objects.filter(kind="picture", state="queued").count()


def waiting():
    """What is held for them, by the ledger."""
    jobs = list(Job.objects.filter(kind="picture", state="queued").values_list("pk", flat=True))
    return LedgerEntry.objects.filter(job__in=jobs).aggregate(n=Sum("held_micro_usd"))["n"] or 0


def twice_as_dear(settings):
    """The providers raise their prices."""
    rows = {
        name: {"provider": "openai", "prices": {unit: 2 * price for unit, price in spec.prices.items()}}
        for name, spec in models().items()
        if spec.prices
    }
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MODELS": rows}


@SPENDING
def test_it_says_what_the_budget_has_left_and_buys_once(order, boss, brand):
    make_budget(OPERATOR, brand=brand, hard_micro_usd=50_000_000)
    page, url, form = order(boss, brand)
    assert f"of $50.00 in the budget of {brand.name} (Month)." in page.text
    assert form["key"]
    assert all(form["key"])
    assert bought() == 0
    answers = [boss.post(url, form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}, answers[0].content.decode()[:3000]
    assert len({answer["Location"] for answer in answers}) == 1
    assert bought() == 1
    job = Job.objects.get(state="queued")
    assert job.hold_micro_usd == job.estimate_micro_usd == waiting() > 0


@SPENDING
def test_a_price_that_changed_is_asked_again(order, boss, brand, settings):
    _page, url, form = order(boss, brand)
    twice_as_dear(settings)
    page = Page(boss.post(url, form, follow=True).content.decode())
    assert (bought(), waiting()) == (0, 0)
    assert re.search("changed|another", page.text), page.text
    assert not IdempotencyKey.objects.filter(answer__isnull=True).exists()


@SPENDING
@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "spent"])
def test_what_money_forbids_is_said_before_and_after(stopped, order, boss, brand):
    """What was seen before the stop is refused as well."""
    _page, url, form = order(boss, brand)
    if stopped:
        stop_spending(OPERATOR, brand, reason="finance is asking")
    else:
        make_budget(OPERATOR, brand=brand, hard_micro_usd=1)
    why = "finance is asking" if stopped else "has no room for this"
    refused = Page(boss.post(url, form, follow=True).content.decode())
    assert why in refused.text
    assert (bought(), waiting()) == (0, 0)
    again, _url, _form = order(boss, brand) if order in (generate, change) else (refused, url, form)
    pressed = {value for name, value, _form in again.buttons if name == "do"}
    assert not pressed & {"order", "begin", "replay"} or order is finish
    assert (bought(), waiting()) == (0, 0)


# Trying again -------------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(brand, boss, server):
    """A set of one cell, whose picture the provider refused."""
    server.script(faults=["moderation_400_input", "moderation_400_input"])
    _page, url, form = generate(boss, brand)
    boss.post(url, form)
    drain()
    made = VariantSet.objects.get()
    assert made.jobs.get().state == "blocked"
    return made


def test_a_button_that_is_pressed_twice_tries_once(boss, broken, server):
    cell = broken.variants.get()

    def key_now():
        html = Page.of(boss.get(page_url("variantset_change", broken.pk))).html
        (key,) = re.findall(rf"\.\./cell/{cell.pk}/\?key=([\w.-]+)", html)
        return key

    key = key_now()
    url = page_url("variantset_cell", broken.pk, cell.pk, query=f"?key={key}")
    assert boss.post(url, {"do": "retry"}).status_code == 302
    drain()
    assert (broken.jobs.get().state, len(server.calls())) == ("blocked", 2)
    # The second press of the same button comes late: the job has ended once more.
    boss.post(url, {"do": "retry"})
    drain()
    assert len(server.calls()) == 2
    # The page as it is now has a button of its own.
    fresh = key_now()
    assert fresh != key
    boss.post(page_url("variantset_cell", broken.pk, cell.pk, query=f"?key={fresh}"), {"do": "retry"})
    drain()
    assert len(server.calls()) == 3


def test_a_button_that_tries_again_tells_what_it_may_spend(boss, broken):
    (most,) = broken.jobs.values_list("estimate_micro_usd", flat=True)
    cell = broken.variants.get()
    price = f"(max ${most_dollars(most)})"
    assert f"Retry 1 cell {price}" in (words := Page.of(boss.get(page_url("variantset_change", broken.pk))).text)
    assert f"Retry {price}" in words
    inspector = Page.of(boss.get(page_url("variantset_inspect", broken.pk, cell.pk)))
    assert f"Retry {price}" in inspector.text
    broken.jobs.update(estimate_micro_usd=0, provider="previs", model="placeholder")
    assert "(max" not in Page.of(boss.get(page_url("variantset_change", broken.pk))).text


def test_what_is_bought_once_is_counted_once_and_what_nobody_knows_is_not_free():
    first, second = uuid4(), uuid4()
    cells = [Again(picture=(first, 0), most=12_345), Again(picture=(first, 0), most=12_345), None]
    assert priced("Retry", []) == priced("Retry", [None]) == "Retry"
    assert priced("Retry", cells) == "Retry (max $0.02)"  # a limit is rounded up
    assert priced("Retry", [*cells, Again(picture=(first, 1), most=10_000)]) == "Retry (max $0.03)"
    assert priced("Retry", [*cells, Again(picture=(second, 0), most=None)]) == "Retry (price unknown)"


def test_a_page_that_looks_for_changes_finds_none_in_a_key(boss, broken):
    url = page_url("variantset_change", broken.pk)
    first_, second = (re.findall(r"key=[\w.-]+", boss.get(url).content.decode()) for _ in range(2))
    assert first_ == second
    assert len(first_) == 2


def test_without_a_key_nothing_is_tried(boss, broken, server):
    cell = broken.variants.get()
    for name, args in (("variantset_cell", [broken.pk, cell.pk]), ("variantset_say", [broken.pk])):
        answer = boss.post(page_url(name, *args), {"do": "retry"}, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.key_missing")
    assert broken.jobs.get().state == "blocked"


def test_a_step_is_tried_again_once(boss, brand, server):
    chain = chain_from(factories.make_asset(brand, (320, 240)))
    server.script(faults=["moderation_400_input"])
    ask(chain)
    url = page_url("editchain_change", chain.pk, query="?step=2")
    page = Page.of(boss.get(url))
    (form,) = {id(form): form for name, value, form in page.buttons if value == "retry"}.values()
    data = {**page.data(form), "do": "retry"}
    for _ in range(2):
        assert boss.post(url, data).status_code == 302
    assert bought() == 1
    assert EditStep.objects.get(number=2).job.hold_micro_usd == held() > 0
