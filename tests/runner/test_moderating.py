"""Moderation on a job's way, against the fake server: what is asked when, what is written down, what stops."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.files.storage import storages

from image_studio.brand.kit import CheckSetting
from image_studio.exceptions import Conflict
from image_studio.models import Asset, CheckResult, Job
from image_studio.policy import Policy
from image_studio.runner import drain, moderating
from image_studio.wording import explain
from image_studio.workflow import approve, recompose, sheet
from image_studio.workflow.review import is_judged, moderated
from tests import factories
from tests.fakes.openai_server import serve
from tests.fakes.storage import FullDisk

pytestmark = pytest.mark.django_db

OPERATOR = Policy.operator()
CHECK = "image_studio.brand.checks.moderation.Moderation"


@pytest.fixture
def server(tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl", retry_after=0.0, refuse_seconds=30) as fake:
        yield fake


@pytest.fixture
def site(settings, server):
    """The settings of a site that buys and moderates at the fake server; returns a function that changes them."""

    def configure(**more):
        options = {"api_key": "sk-test-0123456789", "base_url": server.base_url}
        openai = {"BACKEND": "image_studio.providers.openai", "OPTIONS": options}
        rows = {**settings.IMAGE_STUDIO["PROVIDERS"], "openai": openai}
        settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PROVIDERS": rows, "MODERATION": "openai", **more}

    previs = {"BACKEND": "image_studio.providers.previs"}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "BRAND_CHECKS": (), "PROVIDERS": {"previs": previs}}
    configure()
    return configure


def brand_that_says(**setting):
    brand = factories.make_bare_brand()
    counts(brand, **setting)
    return brand


def counts(brand, **setting):
    """Save a kit that counts moderation like this."""
    kit = replace(brand.kit, checks=(CheckSetting(check="moderation", **setting),))
    factories.add_revision(brand, kit, factories.KitFiles())


def bought(prompt="a jug", *, brand=None, takes=1, locales=("en",)):
    brand = brand or factories.make_bare_brand()
    shown = factories.make_channels("square")
    made = factories.make_set(
        brand, channels=shown, takes=takes, locales=locales, shrink=6, provider="openai", model="gpt-image-2"
    )
    for job in made.jobs.all():
        job.request = {**job.request, "prompt": prompt, "size": [1024, 1024], "quality": "low"}
        job.save()
    return made


def asked(server):
    """How often moderation was asked, and how often pictures were ordered."""
    paths = [call["path"].rpartition("/v1/")[2] for call in server.calls()]
    return paths.count("moderations"), len(paths) - paths.count("moderations")


def said(asset):
    return [(one.code, one.verdict, one.blocks) for one in asset.verdicts.filter(check_name="moderation")]


CLEAR = [("moderation.prompt_clear", "pass", False), ("moderation.picture_clear", "pass", False)]


# What is written down ------------------------------------------------------------------------------------------------


def test_the_prompt_is_asked_about_once_a_job_and_each_picture_once(site, server):
    made = bought(takes=2, locales=("en", "ar"))
    drain()
    assert asked(server) == (3, 1)
    assert made.variants.filter(state="ready").count() == 4
    assert Asset.objects.count() == 6
    for asset in Asset.objects.all():
        assert said(asset) == CLEAR
        picture = asset.verdicts.get(code="moderation.picture_clear")
        assert (picture.kind, picture.rule, picture.score) == ("judged", "1", 0.0001)
        assert picture.params["said"]["categories"]["violence"] == 0.0001
        words = explain(picture.code, picture.params)
        assert "violence" in words
        assert "hate," not in words  # what was not looked for is not said to be looked for
        assert "brands, hate symbols, minors or people" in words


def test_a_flagged_picture_blocks_approval_of_every_cell_and_may_be_overridden(site):
    made = bought("a jug [paint:violence]", locales=("en", "ar"))
    drain()
    for cell in made.variants.all():
        flagged = ("moderation.picture_flagged", "fail", True)
        assert said(cell.asset)[1] == said(cell.asset.parent)[1] == flagged
        with pytest.raises(Conflict) as caught:
            approve(OPERATOR, cell.asset, declaration=factories.DECLARED)
        assert (caught.value.code, caught.value.params) == ("asset.blocked", {"checks": "moderation"})
        approve(OPERATOR, cell.asset, declaration=factories.DECLARED, override=True, note="It is ketchup.")
    shown = sheet(OPERATOR, made).rows[0].cells[0]
    assert (shown.judged, shown.moderated, shown.failed) == (False, "fail", 1)


def test_what_moderation_passes_is_still_to_be_declared(site):
    made = bought()
    drain()
    cell = made.variants.get()
    verdicts = list(cell.asset.verdicts.all())
    assert (is_judged(verdicts), moderated(verdicts)) == (False, "pass")
    shown = sheet(OPERATOR, made).rows[0].cells[0]
    assert (shown.judged, shown.moderated, shown.passed) == (False, "pass", 2)
    with pytest.raises(ValueError, match=r"review\.declaration_missing"):
        approve(OPERATOR, cell.asset)


def test_a_kit_may_be_stricter_than_the_service(site):
    stopped = bought(brand=brand_that_says(options={"fail": 0.00005}))
    made = bought(brand=brand_that_says(options={"warn": 0.00005}))
    drain()
    assert stopped.jobs.get().error_code == "moderation.prompt_flagged"
    near = [("moderation.prompt_near", "warn", False), ("moderation.picture_near", "warn", False)]
    assert said(made.variants.get().asset) == near


# What stops ----------------------------------------------------------------------------------------------------------


def test_a_flagged_prompt_is_never_sent(site, server):
    made = bought("a jug [flag:hate]", takes=2)
    drain()
    job = made.jobs.get()
    assert (job.state, job.error_code, job.cost_micro_usd) == ("blocked", "moderation.prompt_flagged", 0)
    assert (job.attempts.count(), asked(server), server.charged()) == (0, (1, 0), [])
    words = explain(job.error_code, job.error_params)
    assert "omni-moderation-2024-09-26 flagged the prompt: hate." in words
    assert "nothing was spent" in words
    assert sheet(OPERATOR, made).rows[0].cells[0].status == "blocked"


def test_a_brand_that_only_wants_a_warning_sends_a_flagged_prompt(site, server):
    made = bought("a jug [flag:hate]", brand=brand_that_says(severity="warn"))
    drain()
    # The server's own filter is another matter: it refuses.
    assert (made.jobs.get().error_code, asked(server)) == ("provider.moderation_blocked", (1, 1))


def test_a_brand_that_turned_it_off_asks_nobody(site, server):
    made = bought("a jug [paint:violence]", brand=brand_that_says(severity="off"))
    drain()
    assert asked(server) == (0, 1)
    assert said(made.variants.get().asset) == [("check.off", "not_run", False)]


# When it did not run -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["html_200", "server_500", "auth_401", "reset_before_answer"])
def test_moderation_that_fails_is_not_run_and_costs_no_job(site, server, fault):
    server.script(moderation_faults=[fault] * 4)
    made = bought()
    drain()
    assert made.jobs.get().state == "done"
    asset = made.variants.get().asset
    assert [verdict for _code, verdict, _blocks in said(asset)] == ["not_run", "not_run"]
    assert moderated(asset.verdicts.all()) == ""


def test_moderation_that_is_slow_does_not_hold_up_a_job(site, server, monkeypatch):
    monkeypatch.setattr(moderating, "PROMPT_SECONDS", 0.2)
    monkeypatch.setattr(moderating, "PICTURE_SECONDS", 0.2)
    server.script(moderation_faults=["hang", "hang"])
    made = bought()
    drain()
    late = ("moderation.late", "not_run", False)
    assert said(made.variants.get().asset) == [late, late]


def test_a_provider_without_moderation_says_so(site):
    site(MODERATION="previs")
    made = bought()
    drain()
    missing = ("moderation.no_endpoint", "not_run", False)
    assert said(made.variants.get().asset) == [missing, missing]


def test_off_is_said_only_where_the_check_is_listed(site, server):
    site(MODERATION="off")
    assert said_after(bought()) == []
    site(MODERATION="off", BRAND_CHECKS=[CHECK])
    assert said_after(bought("a jug [paint:violence]")) == [("moderation.off", "not_run", False)]
    assert asked(server) == (0, 2)


def said_after(made):
    drain()
    return said(made.variants.get().asset)


def test_a_stand_in_is_shown_to_nobody(site, server):
    made = factories.make_set(factories.make_bare_brand(), channels=factories.make_channels("square"), shrink=6)
    assert said_after(made) == [("moderation.stand_in", "not_run", False)]
    assert asked(server) == (0, 0)


def test_a_reframed_photograph_is_looked_at_without_its_prompt(site, server):
    brand = factories.make_bare_brand()
    source = factories.make_asset(brand)
    made = factories.make_set(brand, channels=factories.make_channels("square"), source=source, shrink=6)
    assert said_after(made) == CLEAR[1:]
    assert asked(server) == (1, 0)


# Again ---------------------------------------------------------------------------------------------------------------


def test_recomposing_asks_nobody_and_counts_as_the_kit_does_now(site, server):
    brand = factories.make_bare_brand()
    made = bought("a jug [paint:sexual]", brand=brand)
    drain()
    before = made.variants.get().asset
    counts(brand, severity="warn")
    site(MODERATION="off")  # what was said stays said
    brand.refresh_from_db()
    made.refresh_from_db()
    recompose(OPERATOR, made)
    drain()
    after = made.variants.get().asset
    assert after.pk != before.pk
    assert said(before)[1] == ("moderation.picture_flagged", "fail", True)
    assert said(after) == [CLEAR[0], ("moderation.picture_flagged", "warn", False)]
    assert sheet(OPERATOR, made).rows[0].cells[0].moderated == moderated(after.verdicts.all()) == "fail"
    assert asked(server) == (2, 1)


def test_a_picture_from_before_says_that_it_was_not_looked_at(site):
    site(MODERATION="off")
    made = bought()
    drain()
    site()
    recompose(OPERATOR, made)
    drain()
    assert said(made.variants.get().asset) == [("moderation.not_then", "not_run", False)]


def test_an_answer_that_is_adopted_brings_its_prompts_judgement(site, server, settings, folder):
    place = {"BACKEND": "tests.fakes.storage.FullDisk", "OPTIONS": {"location": str(folder / "small")}}
    settings.STORAGES = {**settings.STORAGES, "private": place}
    storages._storages.clear()
    site(PRIVATE_STORAGE="private")
    made = bought()
    FullDisk.room = 0
    drain(wait=False)
    assert made.jobs.get().state == "spooled"
    FullDisk.room = 100
    Job.objects.update(available_at=factories.long_ago())
    assert said_after(made) == CLEAR
    # The prompt once; the picture with each try to store it, unless the first was over before its question went out.
    assert asked(server) in ((2, 1), (3, 1))
    assert CheckResult.objects.count() == 4
