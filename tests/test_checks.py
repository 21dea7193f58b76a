"""The system checks: each finds its mistake, names the fix, and never breaks over a broken setting."""

from __future__ import annotations

from datetime import date

import pytest
from django.conf import settings as site
from django.core.checks import run_checks

from image_studio import checks, conf
from image_studio.checks import TAG
from image_studio.models import Job
from tests import factories

SAFE = {"DOORBELL": "poll"}


def found(**_):
    return {message.id.removeprefix("image_studio.") for message in run_checks(tags=[TAG])}


def test_the_test_site_has_nothing_to_mend():
    assert found() - {"I002"} == set()


def test_every_finding_has_an_id_and_a_hint(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    settings.IMAGE_STUDIO = {"PRIVATE_ROOT": str(tmp_path / "inside"), "DOORBELL": "notify"}
    messages = run_checks(tags=[TAG])
    assert messages
    assert all(message.id and message.hint for message in messages)


@pytest.mark.parametrize(
    "broken",
    [
        {"DOORBEL": "poll"},
        {"DOORBELL": "pigeon"},
        {"LEASE_SECONDS": "long"},
        {"PICTURES": {"hero": {"width": [1]}}},
        {"ROUTES": {"mine": {"titel": "x"}}},
        ["not", "a", "dict"],
    ],
)
def test_a_setting_that_does_not_hold_is_an_error(settings, broken):
    settings.IMAGE_STUDIO = broken
    assert "E001" in found()


@pytest.mark.parametrize(
    "row",
    [
        {"BACKEND": "image_studio.providers.nowhere"},
        {"BACKEND": "image_studio.providers.base"},
        {"BACKEND": "image_studio.providers.previs", "OPTIONS": {"speed": 9}},
        {},
    ],
)
def test_a_provider_that_does_not_load_is_an_error(settings, row):
    settings.IMAGE_STUDIO = {**SAFE, "PROVIDERS": {"previs": row}}
    assert "E002" in found()


@pytest.mark.parametrize(("variable", "warned"), [("OPENAI_API_KEY", False), ("ANOTHER", True)])
def test_a_provider_without_a_key_is_warned_of(settings, monkeypatch, variable, warned):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv(variable, "sk-test")
    settings.IMAGE_STUDIO = {**SAFE, "PROVIDERS": {"openai": {"BACKEND": "image_studio.providers.openai"}}}
    assert ("W010" in found()) is warned


@pytest.mark.parametrize(("alias", "warned"), [("off", False), ("openai", False), ("previs", True), ("azure", True)])
def test_a_moderation_that_never_runs_is_warned_of(settings, monkeypatch, alias, warned):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    openai = {"BACKEND": "image_studio.providers.openai"}
    azure = {**openai, "OPTIONS": {"dialect": "azure", "base_url": "https://a.example/openai/v1/"}}
    rows = {"previs": {"BACKEND": "image_studio.providers.previs"}, "openai": openai, "azure": azure}
    settings.IMAGE_STUDIO = {**SAFE, "PROVIDERS": rows, "MODERATION": alias}
    assert ("W013" in found()) is warned


@pytest.mark.parametrize(
    "path", ["nowhere.Check", "image_studio.brand.kit.Kit", ("image_studio.brand.checks.file.File", {"x": 1})]
)
def test_a_brand_check_that_does_not_load_is_an_error(settings, path):
    settings.IMAGE_STUDIO = {**SAFE, "BRAND_CHECKS": [path]}
    assert "E003" in found()


@pytest.mark.parametrize("key", ["PRIVATE_STORAGE", "PUBLIC_STORAGE"])
def test_a_storage_that_is_not_there_is_an_error(settings, key):
    settings.IMAGE_STUDIO = {**SAFE, key: "nowhere"}
    assert "E004" in found()


@pytest.mark.parametrize(("inside", "warned"), [(True, True), (False, False)])
def test_private_files_under_the_served_folder_are_warned_of(settings, tmp_path, inside, warned):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {**SAFE, "PRIVATE_ROOT": str(tmp_path / ("media/private" if inside else "private"))}
    assert ("W001" in found()) is warned


def test_the_default_private_folder_lies_beside_the_served_one(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = SAFE
    assert "W001" not in found()


@pytest.mark.parametrize(
    ("root", "url", "warned"), [("", "/media/", True), ("/srv/media", "", True), ("/srv/media", "/media/", False)]
)
def test_published_pictures_need_a_place(settings, root, url, warned):
    settings.MEDIA_ROOT, settings.MEDIA_URL = root, url
    settings.IMAGE_STUDIO = {**SAFE, "PRIVATE_ROOT": "/srv/private"}
    assert ("W002" in found()) is warned


@pytest.mark.parametrize(
    ("options", "warned"),
    [({}, True), ({"transaction_mode": "DEFERRED"}, True), ({"transaction_mode": "immediate"}, False)],
)
def test_sqlite_wants_immediate_transactions(monkeypatch, options, warned):
    row = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": options}
    monkeypatch.setattr(site, "DATABASES", {"default": row})
    assert any(message.id == "image_studio.W003" for message in checks.check_databases(app_configs=None)) is warned


@pytest.mark.parametrize(("engine", "warned"), [("sqlite3", True), ("mysql", True), ("postgresql", False)])
def test_only_postgresql_can_be_notified(settings, monkeypatch, engine, warned):
    settings.IMAGE_STUDIO = {"DOORBELL": "notify"}
    monkeypatch.setattr(site, "DATABASES", {"default": {"ENGINE": f"django.db.backends.{engine}"}})
    assert any(message.id == "image_studio.W004" for message in checks.check_databases(app_configs=None)) is warned


def test_a_route_without_its_model_or_provider_is_warned_of(settings):
    settings.IMAGE_STUDIO = {
        **SAFE,
        "ROUTES": {
            "lost": {"title": "Lost", "provider": "previs", "model": "nothing"},
            "crossed": {"title": "Crossed", "provider": "elsewhere", "model": "previs-reframe"},
        },
    }
    messages = {message.id: message.msg for message in run_checks(tags=[TAG])}
    assert "'lost'" in messages["image_studio.W005"]
    assert "'crossed'" in messages["image_studio.W006"]


def test_a_follower_that_there_is_not_is_warned_of(settings):
    then = [{"model": "nothing", "quality": "high"}]
    route = {"title": "R", "provider": "previs", "model": "previs-reframe", "then": then}
    settings.IMAGE_STUDIO = {**SAFE, "ROUTES": {"mine": route}}
    messages = {message.id: message.msg for message in run_checks(tags=[TAG])}
    assert "'nothing'" in messages["image_studio.W005"]


def test_a_second_alias_has_the_models_of_its_vendor(settings):
    previs = {"BACKEND": "image_studio.providers.previs"}
    route = {"title": "There", "provider": "second", "model": "previs-reframe"}
    settings.IMAGE_STUDIO = {
        **SAFE, "PROVIDERS": {"previs": previs, "second": previs}, "ROUTES": {"there": route}
    }  # fmt: skip
    assert "W005" not in found()


LEVELS = [
    (date(2026, 9, 1), None, None),
    (date(2026, 9, 2), "I003", "I003"),
    (date(2026, 11, 1), "I003", "W011"),
    (date(2026, 11, 24), "W011", "E008"),
    # The route with a follower has switched, the other stays.
    (date(2026, 12, 1), None, "E008"),
    (date(2026, 12, 2), None, "E008"),
]


@pytest.mark.parametrize(("day", "followed", "alone"), LEVELS)
def test_a_route_whose_model_ends_is_told_ever_louder(settings, monkeypatch, day, followed, alone):
    monkeypatch.setattr(conf, "today", lambda: day)
    row = {"title": "R", "provider": "previs", "model": "ending", "quality": "high"}
    then = [{"model": "previs-placeholder", "quality": "high"}]
    settings.IMAGE_STUDIO = {
        **SAFE,
        "MODELS": {"ending": {"provider": "previs", "free": True, "ends_on": "2026-12-01"}},
        "ROUTES": {"followed": {**row, "then": then}, "alone": row},
    }
    messages = checks.check_ending_models(app_configs=None)
    told = {name: [m for m in messages if f"{name!r}" in m.msg] for name in ("followed", "alone")}
    assert [[m.id.removeprefix("image_studio.") for m in told[name]] for name in told] == [
        [followed] if followed else [],
        [alone] if alone else [],
    ]
    assert all("--from ending" in m.hint and "2026-12-01" in m.msg for m in messages)


@pytest.mark.django_db
def test_work_that_waits_for_a_model_that_ends_is_told_where_the_database_may_be_asked(settings, monkeypatch):
    settings.IMAGE_STUDIO = {
        **SAFE, "MODELS": {"ending": {"provider": "previs", "free": True, "ends_on": "2026-12-01"}}
    }  # fmt: skip
    factories.make_job(factories.make_bare_brand(), model="ending")

    def told(day, databases=("default",)):
        monkeypatch.setattr(conf, "today", lambda: day)
        messages = run_checks(databases=databases)
        return [m.msg for m in messages if m.id == "image_studio.W012"]

    assert told(date(2026, 10, 31)) == []
    assert "wait for 'ending': 1." in told(date(2026, 11, 1))[0]
    assert len(told(date(2026, 12, 2))) == 1
    assert told(date(2026, 12, 2), None) == []


@pytest.mark.django_db
def test_a_database_without_tables_is_not_asked_for_work(monkeypatch):
    monkeypatch.setattr(Job._meta, "db_table", "not_there_yet")
    assert checks.check_waiting_work(app_configs=None, databases=["default"]) == []


def test_addresses_that_are_not_included_are_warned_of(settings):
    settings.ROOT_URLCONF = "tests.fakes.admin_only"
    assert "W007" in found()


def test_a_site_without_the_admin_is_told(monkeypatch):
    monkeypatch.setattr("image_studio.checks.apps.is_installed", lambda name: name != "django.contrib.admin")
    assert "I001" in found()


@pytest.mark.parametrize(("library", "id"), [("raqm", "I002"), ("avif", "W008"), ("webp", "W008")])
def test_what_pillow_cannot_do_is_said(monkeypatch, library, id):  # noqa: A002
    monkeypatch.setattr("image_studio.checks.features.check", lambda name: name != library)
    assert id in found()
    monkeypatch.setattr("image_studio.checks.features.check", lambda name: True)
    assert id not in found()


@pytest.mark.parametrize(
    ("fallback", "told"),
    [
        ("image_studio/studio.css", False),
        ("shop/empty-shelf.svg", True),
        ("01890000-0000-7000-8000-000000000000", False),
        ("", False),
    ],
)
def test_a_fallback_file_that_is_not_there_is_warned_of(settings, fallback, told):
    settings.IMAGE_STUDIO = {"PICTURES": {"hero": {"widths": [80], "fallback": fallback}}}
    assert ("W016" in found()) is told
