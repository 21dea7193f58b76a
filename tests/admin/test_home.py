"""The studio's first page in the admin: who sees what, what it leads to, and what a new site is taught."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from image_studio import conf
from image_studio.policy import Policy
from image_studio.workflow import change_this
from image_studio.workflow.spending import correct, make_budget, stop_spending
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import make_staff, signed_in
from tests.workflow.test_queue import SMALL, make_cells

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand():
    return factories.make_bare_brand()


def url():
    return reverse("admin:app_list", args=["image_studio"])


def open_home(client):
    page = Page.of(client.get(url()))
    assert page.inline == []
    return page


def test_a_new_site_is_taught_step_by_step(boss):
    page = open_home(boss)
    assert "From one picture to every channel" in page.text
    assert reverse("admin:image_studio_brand_add") in page.links
    brand = factories.make_bare_brand()
    assert "Upload pictures" in open_home(boss).text
    factories.make_asset(brand, SMALL)
    assert "Generate brand-safe variants" in open_home(boss).text
    factories.make_set(brand)
    assert "From one picture to every channel" not in open_home(boss).text


def test_somebody_without_a_brand_is_told_whom_to_ask(brand):
    user = factories.make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_asset", "view_variantset"]))
    page = open_home(signed_in(user))
    assert "Ask a brand manager to add you." in page.text
    assert brand.name not in page.text


def test_what_needs_somebody_comes_with_the_way_there(boss, brand):
    cells = make_cells(brand, 3)
    change_this(Policy.operator(), cells[2], note="Less <b>sky</b>")
    made = cells[0].variants.get().variant_set
    made.jobs.update(state="failed", available_at=timezone.now())
    factories.make_job(brand, state="unknown")
    page = open_home(boss)
    assert "2 pictures to review" in page.text
    assert "2 failed in the last two weeks" in page.text
    assert "1 with an unknown outcome" in page.text
    assert "1 change asked for" in page.text
    assert "Less <b>sky</b>" in page.text
    assert "<b>sky</b>" not in page.html
    ways = [
        reverse("admin:image_studio_asset_review"),
        reverse("admin:image_studio_asset_review_one", args=[cells[0].pk]),
        reverse("admin:image_studio_variantset_change", args=[made.pk]) + "?show=failed",
        reverse("admin:image_studio_job_changelist") + "?state__in=failed,blocked",
        reverse("admin:image_studio_job_unknown"),
    ]
    for way in ways:
        assert way in page.links
        assert boss.get(way).status_code == 200, way


def test_nothing_to_do_is_said(boss, brand):
    factories.make_asset(brand, SMALL)
    assert "Everything is decided" in open_home(boss).text


def test_what_runs_has_a_bar_and_its_worker(boss, brand, settings):
    made = factories.make_set(brand)
    page = open_home(boss)
    assert "0 of 2 cells" in page.text
    assert "1 worker is running" in page.text
    assert f'<progress max="2" value="0" aria-label="{made.title}"' in page.html
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    assert "python manage.py studio_worker" in open_home(boss).text


def test_money_is_told_as_it_is(boss, brand):
    assert "Free so far" in open_home(boss).text
    make_budget(Policy.operator(), brand=brand, hard_micro_usd=1_000_000)
    correct(Policy.operator(), brand, 208_000, note="The bill says so")
    page = open_home(boss)
    assert "$0.208" in page.text
    assert "Free so far" not in page.text
    assert "$0.79 left of $1.00" in page.text
    assert reverse("admin:image_studio_ledgerentry_spend") in page.links


def test_a_stop_stands_on_top_with_who_and_why(boss, brand):
    stop_spending(Policy.operator(), brand, reason="Too dear")
    page = open_home(boss)
    assert f"Spending of {brand.name} is stopped by" in page.text
    assert "Too dear" in page.text
    assert reverse("admin:image_studio_ledgerentry_switch") in page.links


def test_the_normal_list_stays(boss):
    links = open_home(boss).links
    for model in ("brand", "asset", "variantset", "job", "prompt", "channel", "event"):
        assert reverse(f"admin:image_studio_{model}_changelist") in links


@pytest.mark.parametrize("role", ["viewer", "creator", "reviewer", "manager"])
def test_other_brands_are_not_told(role, brand):
    make_cells(brand, 2)
    factories.make_job(brand, state="unknown", cost_micro_usd=5_000)
    stranger = signed_in(make_staff(role, brand=factories.make_bare_brand()))
    page = open_home(stranger)
    assert brand.name not in page.text
    assert "unknown outcome" not in page.text
    assert "Free so far" in page.text
    assert "/picture/" not in page.html


def test_permissions_hide_what_they_hide(brand):
    make_cells(brand, 2)
    factories.make_job(brand, state="unknown", cost_micro_usd=5_000)
    user = factories.make_user("manager", brand=brand, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_prompt"))
    page = open_home(signed_in(user))
    for hidden in ("to review", "unknown outcome", "$0.005", "Runs now", "/picture/"):
        assert hidden not in page.html
    assert reverse("admin:image_studio_prompt_changelist") in page.links


def test_own_only_members_see_their_own_pictures(brand):
    factories.make_asset(brand, SMALL, title="Somebody else's")
    user = make_staff("creator", brand=brand, own_only=True)
    factories.make_asset(brand, SMALL, title="My own", created_by=user)
    html = open_home(signed_in(user)).html
    assert "My own" in html
    assert "Somebody else" not in html


def test_visitors_are_sent_to_the_login(client):
    assert "/login/" in client.get(url())["Location"]


def test_its_cost_does_not_grow(as_role, brand):
    make_cells(brand, 2)
    client = as_role("manager")

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url()).status_code == 200
        return len(queries)

    before = cost()
    for _ in range(3):
        make_cells(brand, 6)
        factories.make_job(brand, state="unknown")
    assert cost() == before


def test_models_that_end_are_shown_with_what_stands_on_them(boss, brand, settings, monkeypatch):
    monkeypatch.setattr(conf, "today", lambda: date(2026, 11, 22))
    row = {"title": "Old one", "provider": "previs", "free": True, "ends_on": "2026-12-01"}
    then = [{"model": "previs-placeholder", "quality": "low"}]
    settings.IMAGE_STUDIO = {
        **settings.IMAGE_STUDIO,
        "MODELS": {"ending": row, "ended": {**row, "title": "Gone one", "ends_on": "2026-11-01"}},
        "ROUTES": {
            "led": {"title": "Led", "provider": "previs", "model": "ending", "then": then},
            "stuck": {"title": "Stuck", "provider": "previs", "model": "ended"},
        },
    }
    for _ in range(2):
        factories.make_job(brand, model="ending")
    text = open_home(boss).text
    assert "in 9 days" in text
    assert "Led then uses Placeholder." in text
    assert "2 jobs wait for it." in text
    assert "Gone one" in text
    assert "Stuck has no model after it" in text
