"""``studio_models``: the list, CI's question, the way to the next model, and what it may spend."""

from __future__ import annotations

import ast
import json
from datetime import date
from pathlib import Path
from tempfile import gettempdir

import pytest
from django.core.management import CommandError, call_command
from django.urls import resolve, reverse

from image_studio import conf, testing
from image_studio.models import Asset, Attempt, Event, Job, LedgerEntry, PromptVersion, VariantSet
from image_studio.policy import Policy
from image_studio.storage import Spool
from image_studio.testing import calls, fake_settings
from image_studio.workflow.costs import spend
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import signed_in
from tests.fakes.openai_server import serve

pytestmark = pytest.mark.django_db
BEFORE, LAST, AFTER = date(2026, 11, 22), date(2026, 12, 1), date(2026, 12, 2)
OPENAI = {"BACKEND": "image_studio.providers.openai", "OPTIONS": {"api_key": "sk-test"}}
PREVIS = {"BACKEND": "image_studio.providers.previs"}


@pytest.fixture(autouse=True)
def site(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")

    def site(**more):
        providers = {"previs": PREVIS, "openai": OPENAI}
        settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1, "PROVIDERS": providers, **more}

    site()
    return site


@pytest.fixture
def on(monkeypatch):
    def on(day):
        monkeypatch.setattr(conf, "today", lambda: day)

    on(BEFORE)
    return on


@pytest.fixture
def fake(settings, tmp_path):
    """A provider with two models, the first of which ends, and a route on it."""
    ledger = tmp_path / "ledger.jsonl"

    def fake(**options):
        rows = fake_settings(ledger=ledger, **options)
        model = rows["MODELS"]["fake-1"]
        old = {**model, "title": "Old", "ends_on": "2026-12-01", "replaced_by": ["fake-2"], "edge_multiple": 1}
        settings.IMAGE_STUDIO = {
            "DOORBELL": "poll",
            "PIXEL_THREADS": 1,
            "BRAND_CHECKS": (),
            **rows,
            "MODELS": {"fake-1": old, "fake-2": {**model, "title": "New", "qualities": ("high",)}},
        }
        return ledger

    return fake


@pytest.fixture
def run(capsys):
    """Runs the command and gives (exit status, lines or text, words on stderr)."""

    def run(*args, plain=False):
        status = 0
        try:
            call_command("studio_models", *args, *([] if plain else ["--json"]))
        except SystemExit as end:
            status = int(end.code or 0)
        except CommandError as error:
            return error.returncode, [], str(error)
        out, err = capsys.readouterr()
        return status, out if plain else [json.loads(line) for line in out.splitlines()], err

    return run


# The list ------------------------------------------------------------------------------------------------------------


def test_the_list_has_dates_routes_and_prices(run, on):
    status, lines, _ = run()
    assert status == 0
    rows = {line["model"]: line for line in lines}
    assert rows["gpt-image-1.5"] == {
        "model": "gpt-image-1.5",
        "provider": "openai",
        "phase": "ending",
        "ends_on": "2026-12-01",
        "replaced_by": ["gpt-image-2.6-sunburst", "gpt-image-2.6-flare"],
        "routes": ["compat"],
        "micro_usd": {"low": 8_704, "medium": 33_792, "high": 133_120},
    }
    assert rows["gpt-image-2"]["routes"] == ["quick", "standard", "premium"]
    assert (rows["gpt-image-1"]["phase"], rows["dall-e-3"]["micro_usd"]) == ("ended", {})
    assert rows["previs-reframe"]["micro_usd"] == {"low": 0, "medium": 0, "high": 0}


def test_the_list_follows_the_switch(run, on):
    on(AFTER)
    rows = {line["model"]: line for line in run()[1]}
    assert (rows["gpt-image-1.5"]["phase"], rows["gpt-image-1.5"]["routes"]) == ("ended", [])
    assert rows["gpt-image-2.5-sunburst"]["routes"] == ["compat"]
    assert rows["gpt-image-2.5-flare"]["routes"] == ["volume"]


def test_the_table_can_be_read(run, on):
    text = run(plain=True)[1]
    assert "quick, standard, premium" in text
    assert "low:8704 medium:33792 high:133120" in text


# CI's question -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "status", "told"),
    [
        (date(2026, 9, 1), 0, []),
        (date(2026, 10, 31), 0, [("volume", 31, 90), ("compat", 31, 90)]),
        (date(2026, 11, 1), 1, [("volume", 30, 30), ("compat", 30, 30)]),
        (date(2026, 11, 24), 1, [("volume", 7, 7), ("compat", 7, 7)]),
        # From here on the routes lead elsewhere.
        (LAST, 0, []),
        (AFTER, 0, []),
    ],
)
def test_check_fails_when_a_route_stands_on_a_model_that_ends_soon(run, on, day, status, told):
    on(day)
    found, lines, _ = run("--check")
    assert found == status
    assert [(line["name"], line["days"], line["notice"]) for line in lines] == told
    assert {line["follower"] for line in lines} == (
        {"gpt-image-2.5-flare", "gpt-image-2.5-sunburst"} if told else set()
    )


def test_check_fails_for_work_that_waits_on_what_ended(run, on):
    on(AFTER)
    job = factories.make_job(factories.make_bare_brand(), provider="openai", model="gpt-image-1.5")
    status, lines, _ = run("--check")
    assert status == 1
    assert [(line["kind"], line["name"], line["model"], line["days"]) for line in lines] == [
        ("jobs", "1", "gpt-image-1.5", -1)
    ]
    Job.objects.filter(pk=job.pk).update(state="done")
    assert run("--check")[0] == 0


def test_check_fails_for_a_route_that_has_nowhere_to_go(run, on, site):
    site(ROUTES={"old": {"title": "Old", "provider": "openai", "model": "gpt-image-1"}})
    on(AFTER)
    status, (line,), _ = run("--check")
    assert (status, line["name"], line["follower"], line["notice"]) == (1, "old", None, 0)


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--from", "gpt-image-1.5"], "--to"),
        (["--to", "gpt-image-2"], "--from"),
        (["--from", "gpt-image-2", "--to", "gpt-image-2"], "can't follow itself"),
        (["--from", "gpt-image-9", "--to", "gpt-image-2"], "gpt-image-9"),
        (["--from", "gpt-image-1.5", "--to", "gpt-image-9"], "gpt-image-9"),
        (["--from", "gpt-image-1.5", "--to", "previs-reframe"], "No provider of this site has both"),
        (["--from", "gpt-image-1.5", "--to", "gpt-image-1"], "ended on 2026-10-23"),
        (["--prompts"], "--prompts goes with"),
        (["--compare", "bottle"], "--compare goes with"),
        (["--check", "--probe", "quick"], "do different things"),
        (["--probe", "nowhere"], "There is no route nowhere"),
        (["--probe", "reframe"], "needs a picture"),
        (["--from", "gpt-image-1.5", "--to", "gpt-image-2", "--compare", "bottle"], "There is no prompt bottle"),
    ],
)
def test_wrong_use_is_said_in_words_with_status_2(run, on, args, word):
    status, _, words = run(*args)
    assert status == 2
    assert word in words


# The way to the next model -------------------------------------------------------------------------------------------


def test_moving_shows_both_prices_and_the_row_for_the_settings(run, on):
    status, lines, _ = run("--from", "gpt-image-1.5", "--to", "gpt-image-2.5-sunburst")
    assert status == 0
    assert lines[0] == {
        "route": "compat",
        "provider": "openai",
        "size": "1024x1024",
        "old_quality": "medium",
        "new_quality": "high",
        "old_micro_usd": 33_792,
        "new_micro_usd": 52_680,
        "difference_micro_usd": 18_888,
        "settings": {"model": "gpt-image-2.5-sunburst", "quality": "high", "then": []},
    }
    assert [line["size"] for line in lines] == ["1024x1024", "1536x1024", "1024x1536"]


def test_the_printed_settings_do_what_they_say_and_lose_no_row(run, on, site):
    mine = {"mine": {"title": "Mine", "provider": "openai", "model": "gpt-image-1.5", "quality": "low"}}
    site(ROUTES={**mine, "other": {"title": "Other", "provider": "previs", "model": "previs-reframe"}})
    text = run("--from", "gpt-image-1.5", "--to", "gpt-image-2", plain=True)[1]
    site(ROUTES=ast.literal_eval(text.partition("IMAGE_STUDIO['ROUTES'] = ")[2]))
    assert run("--check")[1] == [line for line in run("--check")[1] if line["name"] == "volume"]
    routes = conf.routes()
    assert [(routes[name].model, routes[name].quality) for name in ("mine", "compat", "other")] == [
        ("gpt-image-2", "low"),
        ("gpt-image-2", "medium"),
        ("previs-reframe", "high"),
    ]
    assert "nothing to change" in run("--from", "gpt-image-1.5", "--to", "gpt-image-2", plain=True)[1]


def test_prompts_name_no_model_and_none_is_changed(run, on):
    factories.make_prompt(factories.make_bare_brand())
    status, _, words = run("--from", "gpt-image-1.5", "--to", "gpt-image-2", "--prompts")
    assert status == 0
    assert "No prompt names a model" in words
    assert PromptVersion.objects.count() == 1


# The same prompt on both ---------------------------------------------------------------------------------------------

MOVE = ("--from", "fake-1", "--to", "fake-2")
SPEND = ("--max-micro-usd", "90000", "--yes")


@pytest.fixture
def prompt():
    factories.make_channels("square", "story")
    return factories.make_prompt(factories.make_bare_brand("aurum")).prompt


def test_a_comparison_is_one_sheet_with_a_take_of_each(run, on, fake, prompt):
    ledger = fake(price=40_000)
    status, (line,), _ = run(*MOVE, "--compare", prompt.slug, "--channel", "square", *SPEND)
    assert (status, line["state"], line["micro_usd"]) == (0, {"ready": 2}, 80_000)
    made = VariantSet.objects.get()
    assert made.title == f"{prompt.name}: take 1 Old high, take 2 New high"
    cells = made.variants.select_related("job").order_by("take")
    assert [(cell.take, cell.job.model, cell.job.provider) for cell in cells] == [
        (0, "fake-1", "fake"),
        (1, "fake-2", "fake"),
    ]
    assert len(calls(ledger)) == 2
    address = line["compare"]
    assert resolve(address.partition("?")[0]).url_name == "image_studio_variantset_compare"
    page = Page.of(signed_in(factories.make_user(is_staff=True, is_superuser=True)).get(address))
    assert all(
        reverse("admin:image_studio_variantset_inspect", args=[made.pk, cell.pk]) in page.links for cell in cells
    )


def test_a_comparison_can_be_left_to_a_worker(run, on, fake, prompt):
    ledger = fake()
    status, (line,), _ = run(*MOVE, "--compare", prompt.slug, "--channel", "square", "--no-wait", *SPEND)
    assert (status, line["state"]) == (0, {"waiting": 2})
    assert calls(ledger) == []


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--max-micro-usd", "90000"], "Add --yes"),
        (["--max-micro-usd", "79999", "--yes"], "up to $0.08, more than the $0.08"),
        (["--channel", "billboard", *SPEND], "billboard"),
        (["--set", "mood", *SPEND], "NAME=VALUE"),
        (["--brand", "nobody", *SPEND], "There is no prompt"),
    ],
)
def test_a_comparison_buys_nothing_unasked(run, on, fake, prompt, more, word):
    ledger = fake(price=40_000)
    status, _, words = run(*MOVE, "--compare", prompt.slug, *more)
    assert status == 2
    assert word in words
    assert not VariantSet.objects.exists()
    assert calls(ledger) == []


def test_a_prompt_of_two_brands_asks_which(run, on, fake, prompt):
    fake()
    twin = factories.make_prompt(factories.make_bare_brand("bravo")).prompt
    type(twin).objects.filter(pk=twin.pk).update(slug=prompt.slug)
    status, _, words = run(*MOVE, "--compare", prompt.slug, *SPEND)
    assert status == 2
    assert "aurum, bravo" in words
    assert run(*MOVE, "--compare", prompt.slug, "--brand", "bravo", *SPEND)[0] == 0
    assert VariantSet.objects.get().brand.slug == "bravo"


def test_what_ended_can_be_compared_no_more(run, on, fake, prompt):
    ledger = fake()
    on(AFTER)
    status, _, words = run(*MOVE, "--compare", prompt.slug, *SPEND)
    assert status == 2
    assert "Old ended on 2026-12-01" in words
    assert calls(ledger) == []


# One small picture ---------------------------------------------------------------------------------------------------


def traces():
    return sorted(path.name for path in Path(gettempdir()).glob("image-studio-probe-*")), list(Spool().waiting())


def test_a_probe_shows_billed_beside_estimated_and_leaves_nothing(run, on, fake):
    ledger = fake(price=30_000)
    before = traces()
    status, (line,), _ = run("--probe", "fake", "--yes")
    assert status == 0
    assert {key: line[key] for key in ("estimated_micro_usd", "most_micro_usd", "billed_micro_usd")} == {
        "estimated_micro_usd": 30_000,
        "most_micro_usd": 30_000,
        "billed_micro_usd": 30_000,
    }
    assert (line["quality"], line["size"], line["request_id"], line["fault"]) == ("low", "16x16", "fake-0", "")
    assert [call["n"] for call in calls(ledger)] == [1]
    assert traces() == before
    assert not any(model.objects.exists() for model in (Asset, Job, Attempt, Event, VariantSet))


def test_a_probe_asks_the_server_once_and_reads_its_bill(run, on, site, tmp_path):
    before = traces()
    with serve(ledger=tmp_path / "books.jsonl") as server:
        options = {"api_key": "sk-test", "base_url": server.base_url}
        site(PROVIDERS={"openai": {**OPENAI, "OPTIONS": options}})
        assert run("--probe", "premium")[0] == 2
        assert server.calls() == []
        status, (line,), _ = run("--probe", "premium", "--yes")
        (call,) = server.calls()
    assert (status, line["model"], line["quality"], line["size"]) == (0, "gpt-image-2", "low", "816x816")
    assert (call["model"], call["params"]["quality"], call["params"]["size"]) == ("gpt-image-2", "low", "816x816")
    assert line["billed_micro_usd"] == call["micro_usd"] > 0
    assert line["billed_micro_usd"] <= line["most_micro_usd"] < 50_000
    assert (line["usage_missing"], line["request_id"], line["fault"]) == (False, call["request_id"], "")
    assert traces() == before


def test_a_probe_stands_in_the_ledger_of_the_only_brand(run, on, fake):
    fake(price=30_000)
    brand = factories.make_bare_brand()
    budget = make_budget(Policy.operator(), brand=brand, hard_micro_usd=60_000)
    assert run("--probe", "fake", "--yes")[0] == 0
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.spent_micro_usd, entry.held_micro_usd, entry.pictures) == ("settle", 30_000, 0, 1)
    assert (entry.brand_id, entry.route, entry.model, entry.reason) == (brand.pk, "fake", "fake-1", "probe")
    assert (entry.actor_label, entry.user_id) == ("operator", "")
    budget.refresh_from_db()
    assert budget.spent_micro_usd == 30_000
    assert spend(Policy.operator()).total.per_picture == 30_000


def test_a_probe_of_several_brands_says_who_pays(run, on, fake):
    ledger = fake(price=30_000)
    first, second = factories.make_bare_brand("aurum"), factories.make_bare_brand("bravo")
    status, _, words = run("--probe", "fake", "--yes")
    assert (status, calls(ledger)) == (2, [])
    assert "--brand: aurum, bravo" in words
    assert run("--probe", "fake", "--yes", "--brand", "bravo")[0] == 0
    assert list(LedgerEntry.objects.values_list("brand_id", flat=True)) == [second.pk] != [first.pk]


def test_a_probe_without_a_brand_says_that_no_ledger_has_it(run, on, fake):
    fake(price=30_000)
    status, _, words = run("--probe", "fake", "--yes")
    assert status == 0
    assert "no ledger" in words
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("scope", ["site", "brand", "no brand"])
def test_nothing_is_probed_while_spending_is_stopped(run, on, fake, scope):
    ledger = fake(price=30_000)
    brand = None if scope == "no brand" else factories.make_bare_brand()
    stop_spending(Policy.operator(), brand if scope == "brand" else None, reason="the bill looks wrong")
    status, _, words = run("--probe", "fake", "--yes")
    assert (status, calls(ledger)) == (2, [])
    assert "the bill looks wrong" in words
    assert not LedgerEntry.objects.exists()


def test_a_probe_needs_room_in_the_budgets(run, on, fake):
    ledger = fake(price=30_000)
    make_budget(Policy.operator(), brand=factories.make_bare_brand(), hard_micro_usd=29_999)
    status, _, words = run("--probe", "fake", "--yes")
    assert (status, calls(ledger)) == (2, [])
    assert "$0.03" in words


def test_a_probe_of_unknown_outcome_is_entered_at_its_most(run, on, fake):
    fake(price=30_000, script=["unknown"])
    factories.make_bare_brand()
    assert run("--probe", "fake", "--yes")[0] == 1
    entry = LedgerEntry.objects.get()
    assert (entry.spent_micro_usd, entry.pictures, entry.reason) == (30_000, 0, "probe")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_probe_that_breaks_off_is_entered_at_its_most(run, on, fake, monkeypatch, error):
    fake(price=30_000)
    factories.make_bare_brand()

    async def breaks(*_args, **_more):
        raise error

    monkeypatch.setattr(testing.Provider, "run", breaks)
    with pytest.raises(type(error)):
        run("--probe", "fake", "--yes")
    assert LedgerEntry.objects.get().spent_micro_usd == 30_000


@pytest.mark.parametrize("word", ["unavailable", "moderation"])
def test_a_probe_that_was_not_charged_is_not_entered(run, on, fake, word):
    fake(price=30_000, script=[word])
    factories.make_bare_brand()
    assert run("--probe", "fake", "--yes")[0] == 1
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize(("fault", "told"), [("auth_401", "does not accept"), ("server_500", "may have been charged")])
def test_a_server_that_fails_a_probe_is_asked_no_second_time(run, on, site, tmp_path, fault, told):
    with serve(ledger=tmp_path / "books.jsonl", faults=[fault]) as server:
        options = {"api_key": "sk-test", "base_url": server.base_url}
        site(PROVIDERS={"openai": {**OPENAI, "OPTIONS": options}})
        status, lines, words = run("--probe", "quick", "--yes")
        assert len(server.calls()) == 1
    assert (status, lines) == (1, [])
    assert told in words


def test_a_server_that_sends_no_bill_is_billed_the_most_and_said_so(run, on, site, tmp_path):
    with serve(ledger=tmp_path / "books.jsonl", faults=["missing_usage"]) as server:
        options = {"api_key": "sk-test", "base_url": server.base_url}
        site(PROVIDERS={"openai": {**OPENAI, "OPTIONS": options}})
        (line,) = run("--probe", "quick", "--yes")[1]
    assert line["usage_missing"] is True
    assert line["billed_micro_usd"] == line["most_micro_usd"]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ([], "Add --yes"),
        (["--yes", "--max-micro-usd", "29999"], "--max-micro-usd to 30000"),
    ],
)
def test_a_probe_buys_nothing_unasked_or_above_its_cap(run, on, fake, more, word):
    ledger = fake(price=30_000)
    status, _, words = run("--probe", "fake", *more)
    assert status == 2
    assert word in words
    assert calls(ledger) == []


def test_a_probe_is_capped_without_being_told(run, on, fake):
    ledger = fake(price=50_001)
    status, _, words = run("--probe", "fake", "--yes")
    assert status == 2
    assert "$0.05" in words
    assert calls(ledger) == []


@pytest.mark.parametrize(
    ("word", "told"), [("unavailable", "could not be reached"), ("moderation", "moderation"), ("unknown", "look there")]
)
def test_a_probe_that_fails_says_why_and_leaves_nothing(run, on, fake, word, told):
    fake(script=[word])
    before = traces()
    status, lines, words = run("--probe", "fake", "--yes")
    assert (status, lines) == (1, [])
    assert told in words
    assert traces() == before


def test_a_probe_whose_picture_never_came_is_a_finding(run, on, fake):
    fake(script=["fault"])
    status, (line,), _ = run("--probe", "fake", "--yes")
    assert (status, line["fault"]) == (1, "provider.refused")


def test_a_route_on_what_ended_is_not_probed(run, on, fake):
    ledger = fake()
    on(AFTER)
    status, _, words = run("--probe", "fake", "--yes")
    assert status == 2
    assert "Old ended on 2026-12-01" in words
    assert calls(ledger) == []
