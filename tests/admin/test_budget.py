"""Budgets and the switch in the admin: in dollars, by who may, and said where people order."""

from __future__ import annotations

import pytest
from django.urls import reverse

from image_studio.models import Budget, Switch
from image_studio.policy import Policy
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories

pytestmark = pytest.mark.django_db
LIST, ADD = "admin:image_studio_budget_changelist", "admin:image_studio_budget_add"
SWITCH = "admin:image_studio_ledgerentry_switch"


def change(budget):
    return reverse("admin:image_studio_budget_change", args=[budget.pk])


def test_a_manager_sets_a_budget_in_dollars(as_role, brand):
    manager = as_role("manager")
    said = {"brand": brand.slug, "person": "", "period": "month", "soft": "8", "hard": "10.50"}
    answer = manager.post(reverse(ADD), said)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    row = Budget.objects.get()
    assert (row.scope, row.soft_micro_usd, row.hard_micro_usd) == (f"brand:{brand.pk}", 8_000_000, 10_500_000)
    content = manager.get(reverse(LIST)).content.decode()
    assert brand.name in content
    assert "$10.50" in content


@pytest.mark.parametrize("hard", ["-1", "much", "1e99", ""])
def test_sums_that_are_none_are_said(as_role, brand, hard):
    answer = as_role("manager").post(
        reverse(ADD), {"brand": brand.slug, "person": "", "period": "month", "soft": "", "hard": hard}
    )
    assert answer.status_code in (200, 400)
    assert not Budget.objects.exists()


def test_who_may_not(as_role, brand):
    row = make_budget(Policy.operator(), brand=brand, hard_micro_usd=5)
    said = {"brand": brand.slug, "person": "", "period": "day", "soft": "", "hard": "1"}
    for client in (as_role("creator"), as_role("manager", of=factories.make_bare_brand())):
        client.post(reverse(ADD), said)
        client.post(change(row), {"soft": "", "hard": "99"})
        client.post(change(row), {"do": "remove"})
    # The site's own is a superuser's.
    as_role("manager").post(reverse(ADD), {**said, "brand": ""})
    (kept,) = Budget.objects.all()
    assert (kept.pk, kept.hard_micro_usd) == (row.pk, 5)


def test_limits_are_changed_and_a_budget_removed(as_role, brand):
    row, manager = make_budget(Policy.operator(), brand=brand, hard_micro_usd=5), as_role("manager")
    assert manager.post(change(row), {"soft": "", "hard": "2"}).status_code == 302
    row.refresh_from_db()
    assert row.hard_micro_usd == 2_000_000
    manager.post(change(row), {"do": "remove"})
    assert not Budget.objects.exists()


def test_a_manager_stops_the_brand_and_lets_it_go_on(as_role, brand):
    manager = as_role("manager")
    manager.post(reverse(SWITCH), {"what": f"brand:{brand.slug}", "do": "stop", "reason": "  "})
    assert not Switch.objects.filter(stopped=True).exists()
    manager.post(reverse(SWITCH), {"what": f"brand:{brand.slug}", "do": "stop", "reason": "the bill"})
    assert Switch.objects.get(stopped=True).reason == "the bill"
    manager.post(reverse(SWITCH), {"what": f"brand:{brand.slug}", "do": "resume"})
    assert not Switch.objects.filter(stopped=True).exists()
    manager.post(reverse(SWITCH), {"what": "site", "do": "stop", "reason": "mine"})
    as_role("creator").post(reverse(SWITCH), {"what": f"brand:{brand.slug}", "do": "stop", "reason": "x"})
    assert not Switch.objects.filter(stopped=True).exists()


def test_people_are_told_where_they_order(as_role, brand):
    stop_spending(Policy.operator(), brand, reason="the bill looks wrong")
    creator, asset = as_role("creator"), factories.make_asset(brand)
    urls = (
        reverse("admin:app_list", args=["image_studio"]),
        reverse("admin:image_studio_variantset_generate") + f"?source={asset.pk}",
    )
    for url in urls:
        assert "the bill looks wrong" in creator.get(url).content.decode(), url
