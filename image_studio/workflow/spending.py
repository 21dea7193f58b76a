"""Budgets, the switch that stops spending, and corrections: what a brand's manager says of money.

The site's own budgets and switch belong to superusers and to operators at the shell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from image_studio import ledger
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed, StudioError
from image_studio.ledger import SITE, Bill
from image_studio.models import PERIODS, Brand, BrandMembership, Budget, Event, Job, Switch, database_now
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.runner import turns
from image_studio.wording.money import dollars
from image_studio.workflow.browse import clean

#: Of a budget, in micro-USD: a billion dollars.
MOST = 1_000_000_000_000_000
MOST_REASON = 300


# Budgets -----------------------------------------------------------------------------------------------------------


def budgets(policy: Policy) -> QuerySet[Budget]:
    """The budgets that this person may see: all of brands whose spending they see, and their own.

    The counters may be of a period that is over: see :func:`image_studio.ledger.current`.
    """
    rows = Budget.objects.select_related("brand", "user")
    if policy.passes:
        return rows
    return rows.filter(Q(brand__in=policy.brands("see_spend")) | Q(user=policy.user))


def may_edit(policy: Policy, brand: Brand | None) -> bool:
    """Whether the person keeps the budgets of a brand, or of the whole site."""
    return policy.passes if brand is None else policy.can("edit_budget", brand)


def make_budget(
    policy: Policy,
    *,
    brand: Brand | None = None,
    user: Any = None,
    period: str = "month",
    soft_micro_usd: int | None = None,
    hard_micro_usd: int | None = None,
) -> Budget:
    """A budget of the site, a brand, a person, or a person within a brand. What was spent in its period counts.

    :raises NotAllowed: for the site's and a person's everywhere, unless by a superuser.
    :raises InvalidRequest: ``budget.unknown_period``, ``budget.no_limit``, ``budget.limits_crossed``,
        ``budget.out_of_range``, ``budget.not_member``.
    :raises Conflict: ``budget.exists``.
    """
    _require(policy, "edit_budget", brand)
    if period not in PERIODS:
        raise InvalidRequest("budget.unknown_period", period=period[:40], known=", ".join(PERIODS))
    _judge(soft_micro_usd, hard_micro_usd)
    if brand is not None and user is not None and not _member(brand, user):
        raise InvalidRequest("budget.not_member")
    budget = Budget(brand=brand, user=user, period=period, soft_micro_usd=soft_micro_usd, hard_micro_usd=hard_micro_usd)
    try:
        with transaction.atomic():
            ledger.open_budget(budget)
            _record(policy, "budget.made", budget)
    except IntegrityError as error:
        raise Conflict("budget.exists") from error
    return budget


def change_budget(policy: Policy, budget: Budget, *, soft_micro_usd: int | None, hard_micro_usd: int | None) -> Budget:
    """Set a budget's limits anew. What is spent and held already stays.

    :raises InvalidRequest: as :func:`make_budget`.
    """
    _require(policy, "edit_budget", budget.brand)
    _judge(soft_micro_usd, hard_micro_usd)
    with transaction.atomic():
        ledger.limit(budget, hard=hard_micro_usd, soft=soft_micro_usd)
        _record(policy, "budget.changed", budget)
    return budget


def remove_budget(policy: Policy, budget: Budget) -> None:
    """Forget a budget: nothing limits its spending any more. The ledger stays."""
    _require(policy, "edit_budget", budget.brand)
    with transaction.atomic():
        _record(policy, "budget.removed", budget)
        Budget.objects.filter(pk=budget.pk).delete()


def _record(policy: Policy, verb: str, budget: Budget) -> None:
    limits = {"soft": budget.soft_micro_usd, "hard": budget.hard_micro_usd}
    Event.objects.record(policy.actor, verb, budget, scope=budget.scope, period=budget.period, **limits)


def _judge(soft: int | None, hard: int | None) -> None:
    if soft is None and hard is None:
        raise InvalidRequest("budget.no_limit")
    for limit in (soft, hard):
        if limit is not None and not 0 <= limit <= MOST:
            raise InvalidRequest("budget.out_of_range", most=dollars(MOST))
    if soft is not None and hard is not None and soft > hard:
        raise InvalidRequest("budget.limits_crossed")


def _member(brand: Brand, user: Any) -> bool:
    rows = BrandMembership.objects.filter(Q(user=user.pk) | Q(group__in=user.groups.all()), brand=brand)
    return user.is_superuser or rows.exists()


def _require(policy: Policy, verb: str, brand: Brand | None) -> None:
    if brand is not None:
        policy.require(verb, brand)
    elif not policy.passes:
        raise NotAllowed("policy.not_allowed", verb=verb, role="superuser")


#: Codes of :func:`money_findings`.
MONEY = frozenset({"spending.stopped", "budget.spent", "budget.price_unknown", "budget.soft"})


def money_findings(policy: Policy, brand: Brand, most: int, *, unknown: bool = False) -> list[Finding]:
    """What budgets and the switch say to an order before it is made: the hold decides once more.

    :param most: the most that it may cost, in micro-USD.
    :param unknown: whether some of it has no known price.
    """
    if not most and not unknown:
        return []
    stop = ledger.stopped([brand.pk])
    found = []
    if stop:
        params = {"reason": stop.reason, "who": stop.actor_label}
        found.append(Finding(code="spending.stopped", params=params, where="price"))
    bill = Bill(brand_id=brand.pk, user_id=policy.actor.user_id)
    for seen in ledger.outlook(bill, most):
        if seen.refused:
            found.append(Finding(code="budget.spent", params=seen.params, where="price"))
        elif unknown and seen.budget.hard_micro_usd is not None:
            found.append(Finding(code="budget.price_unknown", params=seen.params, where="price"))
        elif seen.warns:
            found.append(Finding(code="budget.soft", params=seen.params, blocks=False, where="price"))
    return found


def refused(finding: Finding, **more: Any) -> StudioError:
    """A blocking finding as the error of an order: a lack of money is no fault of the order."""
    params = {**finding.params, "where": finding.where, **more}
    return Conflict(finding.code, **params) if finding.where == "price" else InvalidRequest(finding.code, **params)


# The switch --------------------------------------------------------------------------------------------------------


def switches(policy: Policy) -> QuerySet[Switch]:
    """The switches that are thrown now and concern this person."""
    rows = Switch.objects.filter(stopped=True).select_related("brand").order_by("-scope")
    return rows if policy.passes else rows.filter(Q(brand=None) | Q(brand__in=policy.brands("view")))


def may_stop(policy: Policy, brand: Brand | None) -> bool:
    """Whether the person may stop, and let go on, the spending of a brand or of the whole site."""
    return policy.passes if brand is None else policy.can("stop_spending", brand)


def stop_spending(policy: Policy, brand: Brand | None = None, *, reason: str) -> Switch:
    """Stop all spending of a brand, or of the site: no order is taken, nothing that waits is sent. What is at the
    provider already comes, and is paid for.

    :raises InvalidRequest: ``spending.reason_missing``.
    """
    _require(policy, "stop_spending", brand)
    told = clean(reason, most=MOST_REASON)
    if not told:
        raise InvalidRequest("spending.reason_missing")
    return _switch(policy, brand, stopped=True, reason=told)


def resume_spending(policy: Policy, brand: Brand | None = None) -> Switch:
    """Let money be spent again; what waited goes on by itself."""
    _require(policy, "stop_spending", brand)
    with transaction.atomic():
        row = _switch(policy, brand, stopped=False, reason="")
        if brand is not None:
            # Of the whole site nobody was served meanwhile, and everybody's turns are as they were.
            turns.catch_up(brand.pk)
    return row


def _switch(policy: Policy, brand: Brand | None, *, stopped: bool, reason: str) -> Switch:
    scope = f"brand:{brand.pk}" if brand else SITE
    values = {
        "brand": brand,
        "stopped": stopped,
        "reason": reason,
        "actor_id": policy.actor.user_id,
        "actor_label": policy.actor.label,
        "changed_at": database_now(),
    }
    with transaction.atomic():
        row, _made = Switch.objects.update_or_create(scope=scope, defaults=values)
        verb = "spending.stopped" if stopped else "spending.resumed"
        Event.objects.record(policy.actor, verb, row, reason=reason)
    return row


# Corrections -------------------------------------------------------------------------------------------------------


def correct(policy: Policy, brand: Brand, micro_usd: int, *, note: str, job: UUID | None = None) -> None:
    """Add to what a brand has spent, or take from it, where the provider's bill says otherwise. The old entries stay.

    It counts in the site's budgets too, so it is for who keeps those: a brand's manager could lift the site's limit by
    one, or use it up for all brands.

    :param job: whose bill it is; its cost, its set's or history's and its person's change too.
    :raises NotAllowed: for who is no superuser.
    :raises InvalidRequest: ``spending.no_correction``, ``spending.below_nothing``, ``budget.out_of_range``.
    """
    policy.require("edit_budget", brand)
    _require(policy, "edit_budget", None)
    told = clean(note, most=500)
    if not micro_usd or not told:
        raise InvalidRequest("spending.no_correction")
    if abs(micro_usd) > MOST:
        raise InvalidRequest("budget.out_of_range", most=dollars(MOST))
    with transaction.atomic():
        bill = _corrected_job(brand, job, micro_usd) if job else Bill(brand_id=brand.pk)
        data: Mapping[str, Any] = {"micro_usd": micro_usd, "note": told}
        Event.objects.record(policy.actor, "spending.corrected", brand, **data)
        ledger.adjust(bill, micro_usd, actor=policy.actor, reason="corrected", note=told)


def _corrected_job(brand: Brand, pk: UUID, micro_usd: int) -> Bill:
    """The bill of a job whose cost goes along."""
    rows = Job.objects.filter(pk=pk, brand=brand)
    job = rows.first()
    if job is None:
        raise InvalidRequest("spending.no_such_job")
    # It is the sum of the job's entries, and no job costs less than nothing.
    if not rows.filter(cost_micro_usd__gte=-micro_usd).update(cost_micro_usd=F("cost_micro_usd") + micro_usd):
        raise InvalidRequest("spending.below_nothing", cost=dollars(job.cost_micro_usd))
    return Bill.of(job)
