"""A button that tries again says what that may cost at most, and no more than that is held: through every door."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from image_studio import testing
from image_studio.ledger import ceilings
from image_studio.models import EditStep, Job
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.replays import replay, replay_preview
from tests import factories
from tests.admin.browser import Page
from tests.ledger.money import PLAIN, PRICE, assert_true, held, order
from tests.workflow.chains import OPERATOR, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db
RISEN = "by now it may cost more"


@pytest.fixture
def fake(tmp_path, settings):
    def configure(*script, **options):
        rows = testing.fake_settings(ledger=tmp_path / "ledger.jsonl", script=script, **options)
        settings.IMAGE_STUDIO = {**PLAIN, **rows}

    return configure


@pytest.fixture
def made(fake, brand):
    """A set of two takes that brought nothing."""
    fake("refused", "ok")
    made = order(brand, takes=2)
    drain()
    return made


def address(name, *args):
    return reverse(f"admin:image_studio_{name}", args=args)


def key_in(html, before):
    return re.search(rf"{before}([\w.-]+)", html)[1]


def presses(client, made):
    """Door -> what a press of its button, as it is on the page now, posts."""
    cell = made.variants.order_by("position")[0]
    sheet = client.get(address("variantset_change", made.pk)).content.decode()
    inspect = address("variantset_inspect", made.pk, cell.pk)
    inside = client.get(inspect).content.decode()
    say, one = address("variantset_say", made.pk), address("variantset_cell", made.pk, cell.pk)
    return {
        "all": (f"{say}?key={key_in(sheet, 'say/.key=')}", {"do": "retry"}),
        "a cell": (f"{one}?key={key_in(sheet, f'cell/{cell.pk}/.key=')}", {"do": "retry"}),
        "inspector": (inspect, {"do": "retry", "key": key_in(inside, 'name="key" value="')}),
    }


def press(client, where, data):
    """What the page says then: an inspector answers with the status of the refusal."""
    response = client.post(where, data, follow=True)
    response.status_code = 200 if response.status_code == 409 else response.status_code
    return Page.of(response).text


@pytest.mark.parametrize("door", ["all", "a cell", "inspector"])
def test_a_price_that_rose_behind_a_sheet_is_asked_again(boss, made, fake, door):
    fake("ok", price=PRICE)
    before = presses(boss, made)[door]
    fake("ok", price=3 * PRICE)
    said = press(boss, *before)
    assert f"You were told that this may cost $0.08 at most, and {RISEN}" in said
    assert (held(), made.jobs.get().state, made.jobs.get().estimate_micro_usd) == (0, "failed", 2 * PRICE)
    press(boss, *presses(boss, made)[door])
    assert (held(), made.jobs.get().state) == (6 * PRICE, "queued")
    assert_true()


def test_a_price_that_fell_asks_nobody(boss, made, fake):
    fake("ok", price=3 * PRICE)
    before = presses(boss, made)["all"]
    fake("ok", price=PRICE)
    press(boss, *before)
    assert held() == 2 * PRICE


def test_what_was_free_is_not_bought(boss, brand, fake):
    """A page that is open while its picture turns out to be lost: it offered to compose anew."""
    fake("ok", "ok")
    made = order(brand)
    drain()
    made.variants.update(state="compose_failed")
    before = presses(boss, made)["all"]
    assert before[0].endswith(".0")
    made.jobs.get().outputs.update(asset=None, fault_code="output.missing")
    assert "may cost $0.00 at most" in press(boss, *before)
    assert held() == 0


def test_a_sum_covers_nothing_that_nobody_can_price(boss, brand, fake, settings):
    fake("refused", price=0)
    made = order(brand)
    drain()
    before = presses(boss, made)["all"]
    assert before[0].endswith(".0")
    rows = testing.fake_settings(ledger=settings.MEDIA_ROOT + "/books.jsonl", script=("ok",), price=0)
    rows["MODELS"]["fake-1"] = {**rows["MODELS"]["fake-1"], "unpriced": True}
    settings.IMAGE_STUDIO = {**PLAIN, **rows}
    assert RISEN in press(boss, *before)
    assert made.jobs.get().state == "failed"
    # Who sees that nobody knows may do it.
    assert "Retry 1 cell (price unknown)" in Page.of(boss.get(address("variantset_change", made.pk))).text
    press(boss, *presses(boss, made)["all"])
    assert made.jobs.get().state == "queued"


def test_a_call_in_doubt_is_sent_again_for_what_was_said(boss, brand, fake):
    fake("unknown", "ok")
    job = order(brand).jobs.get()
    drain()
    where = address("job_settle", job.pk)

    def resend():
        return {"do": "resend", "key": key_in(boss.get(where).content.decode(), 'name="key" value="')}

    before = resend()
    fake("ok", price=2 * PRICE)
    assert RISEN in press(boss, where, before)
    job.refresh_from_db()
    assert (job.state, job.resends, held()) == ("unknown", 0, PRICE)
    press(boss, where, resend())
    assert held() == 3 * PRICE
    assert_true()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("word", ["unknown", "refused"])
def test_what_begins_at_the_commit_is_under_no_ceiling(boss, brand, fake, monkeypatch, word):
    """A site without a worker works on what waits right then, in the same thread, and holds for other orders too."""
    fake(word, "ok")
    made = order(brand)
    drain()
    job, rung = made.jobs.get(), []

    def ring(ids):
        ceilings.judge(10**12)
        rung.extend(ids)

    monkeypatch.setattr("image_studio.tasks.ring", ring)
    where = address("job_settle", job.pk)
    if word == "unknown":
        key = key_in(boss.get(where).content.decode(), 'name="key" value="')
        press(boss, where, {"do": "resend", "key": key})
    else:
        press(boss, *presses(boss, made)["a cell"])
    assert rung == [job.pk]
    assert Job.objects.get().hold_micro_usd == PRICE


@pytest.fixture
def server(settings, tmp_path):
    with paid_site(settings, tmp_path) as found:
        yield found


def test_steps_hold_what_their_buttons_said(boss, brand, server):
    """In an edit history, beside a picture, and in a replay with what comes after it."""
    chain = chain_from(factories.make_asset(brand, (320, 240)))
    ask(chain)
    recipe = save_recipe(OPERATOR, ask(chain, parent=2, instruction="Darker"), "Green and dark")
    server.script(faults=["moderation_400_input"] * 2)
    broken = ask(chain, parent=1, instruction="Bluer")
    source = factories.make_asset(brand, (320, 240))
    again = replay(OPERATOR, recipe, [source], key="k", digest=replay_preview(OPERATOR, recipe, [source]).digest)
    drain()
    first = EditStep.objects.get(chain__replay=again, number=2)
    histories = [f"{address('editchain_change', chain.pk)}?step={broken.number}", address("replay_change", again.pk)]
    for where, step in zip(histories, (broken, first), strict=True):
        form = retrying(boss, where)
        key, most = form["key"].rsplit(".", 1)
        assert int(most) > 0
        assert RISEN in press(boss, where, {**form, "key": f"{key}.{int(most) - 1}"})
        assert not EditStep.objects.get(pk=step.pk).job.hold_micro_usd
        before = held()
        press(boss, where, form)
        assert held() == before + int(most)
    assert_true()


def retrying(client, where):
    page = Page.of(client.get(where))
    (form,) = {id(form): form for name, value, form in page.buttons if value == "retry"}.values()
    data = {name: value[0] if isinstance(value, list) else value for name, value in page.data(form).items()}
    return {**data, "do": "retry"}


def test_a_key_without_a_price_binds_none(boss, made):
    """Of a program that says none; whoever may spend, may."""
    press(boss, address("variantset_say", made.pk), {"do": "retry", "key": "my-own"})
    assert held() == 2 * PRICE
    assert Policy(boss.user).can("retry", made)
