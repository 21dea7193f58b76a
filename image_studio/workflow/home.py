"""The first page: what needs this person, what runs, what was spent of which budget, and what came out last."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from image_studio import ledger
from image_studio.models import Asset, Attempt, Budget, Job, LedgerEntry, SpendRollup, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.runner import beats
from image_studio.states import JOB, JOB_ENDED
from image_studio.wording.money import dollars
from image_studio.workflow.allowance import Stop, stops
from image_studio.workflow.lifecycle import title_of, uses
from image_studio.workflow.queue import AGE, HEAVY, Queue, review_queue
from image_studio.workflow.spending import budgets

#: Nobody counts further than this: a page says "99+".
MOST = 99
#: A failure that nobody looked at for this long is history; the job list still has it.
RECENT = timedelta(days=14)
SETS = 6
STRIP = 12
#: Budgets that the page shows: those with the least room. Of so many at most, which nobody has.
PURSES, MOST_PURSES = 4, 400
#: What a person may look at: the nouns of the page.
NOUNS = frozenset({"asset", "variantset", "job"})


@dataclass(frozen=True, kw_only=True)
class Some:
    """A number that is counted only as far as people read it."""

    n: int

    def __bool__(self) -> bool:
        return self.n > 0

    def __str__(self) -> str:
        return f"{MOST}+" if self.n > MOST else str(self.n)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A set and its cells by what became of them.

    :param running: whether a job of it waits or works.
    :param failed: its jobs that failed lately.
    :param broken: its cells that could not be composed.
    """

    variant_set: VariantSet
    total: int
    ready: int
    running: bool
    failed: int
    broken: int


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A model that its provider takes away, and what of the site stands on it.

    :param days: until its last day; less than 0 once it is over.
    :param routes: titles, each with that of the model which follows by itself, or empty.
    :param jobs: that wait and were not sent yet, as far as the person may see them.
    """

    title: str
    on: date
    days: int
    routes: tuple[tuple[str, str], ...] = ()
    jobs: Some = Some(n=0)


@dataclass(frozen=True, kw_only=True)
class Purse:
    """A limit beside what is spent and held of it, integer micro-USD, and in words.

    :param warns: whether its warning is passed, or it is used up.
    """

    budget: Budget
    name: str
    used: int
    limit: int
    words: str
    warns: bool


@dataclass(frozen=True, kw_only=True)
class Home:
    """The page as data; what the person may not see is empty. Money is integer micro-USD.

    :param review: the beginning of the review queue.
    :param changes: pictures of which a change is asked that nobody has made.
    :param changeable: those of them that this person may change.
    :param spent_month: and today (UTC), in the brands whose spending the person may see; by themselves where there is
        none. None for who may not see jobs.
    :param spent_own: whether that is what this person alone spent.
    :param purses: the budgets with the least room of those that they may see.
    :param stops: what stops spending.
    :param workers: how many live.
    :param step: what a new studio needs next: ``brand``, ``upload``, ``generate``, or empty.
    """

    review: Queue
    failed: Some
    unknown: Some
    changes: tuple[Asset, ...]
    changes_more: bool
    changeable: frozenset[UUID]
    sets: tuple[Progress, ...]
    working: Some
    workers: int
    spent_today: int | None
    spent_month: int | None
    spent_own: bool
    purses: tuple[Purse, ...]
    stops: tuple[Stop, ...]
    ending: tuple[Ending, ...]
    last: tuple[Asset, ...]
    step: str

    @property
    def running(self) -> tuple[Progress, ...]:
        return tuple(one for one in self.sets if one.running)

    @property
    def troubled(self) -> tuple[Progress, ...]:
        return tuple(one for one in self.sets if one.failed or one.broken)

    @property
    def worker_missing(self) -> bool:
        return bool(self.working) and self.workers == 0

    @property
    def quiet(self) -> bool:
        """Whether nothing needs this person."""
        return not (self.review.assets or self.failed or self.unknown or self.changes)


def home(policy: Policy, *, nouns: Collection[str] = NOUNS) -> Home:
    """The page of a person, in a constant number of queries that no size of the library changes.

    :param nouns: what the person may look at at all, of :data:`NOUNS`; the rest stays empty.
    """
    live, trouble, unknown = _jobs(policy) if "job" in nouns else ([], [], 0)
    last, changes = _pictures(policy) if "asset" in nouns else ([], [])
    sets = _sets(policy, live, trouble) if "variantset" in nouns else ()
    broken = sum(one.broken for one in sets)
    own = not (policy.passes or policy.somewhere("see_spend"))
    today, month = _spent(policy, own=own) if "job" in nouns else (None, None)
    return Home(
        review=review_queue(policy, limit=MOST) if "asset" in nouns else Queue(assets=(), more=False),
        failed=Some(n=len(trouble) + broken),
        unknown=Some(n=unknown),
        changes=tuple(changes[:SETS]),
        changes_more=len(changes) > SETS,
        changeable=frozenset(one.pk for one in changes[:SETS] if policy.can("generate", one)),
        sets=sets,
        working=Some(n=len(live)),
        workers=beats.alive(),
        spent_today=today,
        spent_month=month,
        spent_own=own,
        purses=_purses(policy) if "job" in nouns else (),
        stops=stops(policy) if "job" in nouns else (),
        ending=_ending(policy, jobs="job" in nouns),
        last=tuple(last),
        step=_step(policy, last, bool(sets)) if "asset" in nouns else "",
    )


def _jobs(policy: Policy) -> tuple[list[UUID | None], list[UUID | None], int]:
    """The sets of what waits or works and of what failed lately; how many outcomes are unknown."""
    jobs = policy.visible(Job.objects.all())
    going = [state for state in JOB.labels if state not in JOB_ENDED]
    live = jobs.filter(state__in=going).order_by(AGE.desc()).values_list("variant_set_id", flat=True)
    # The time that a job was free to run stands in the index beside its state; no failure is older than it.
    failed = jobs.filter(_still_matters(), state__in=("failed", "blocked"), available_at__gt=timezone.now() - RECENT)
    trouble = failed.order_by("-available_at").values_list("variant_set_id", flat=True)
    unknown = jobs.filter(state="unknown").order_by().values_list("pk", flat=True)
    # Sent again since, and the call before is still in doubt. The union has each job once.
    before = Attempt.objects.filter(state="unknown", job__in=jobs).order_by().values_list("job_id", flat=True)
    both = unknown.union(before)[: MOST + 1]
    return list(live[: MOST + 1]), list(trouble[: MOST + 1]), len(both)


def _still_matters() -> Q:
    """Local work is tried again by a new job, and the old one stays failed for ever: what it was for says it instead.

    A composition's cells are counted themselves (:func:`_broken`), a publication as long as its picture waits for it.
    """
    return Q(kind="picture") | Q(kind="render", asset__state="approved", asset__publish_job=F("pk"))


def _pictures(policy: Policy) -> tuple[list[Asset], list[Asset]]:
    """The newest pictures, and those of which a change was asked last."""
    assets = policy.visible(Asset.objects.select_related("channel")).defer(*HEAVY)
    # Most have none: a range finds the others in the index of that column, where "is not null" walks along all.
    asked = assets.filter(change_asked__gt=UUID(int=0)).select_related("change_asked", "channel")
    return list(assets.order_by("-pk")[:STRIP]), list(asked.order_by("-change_asked_id")[: SETS + 1])


def _sets(policy: Policy, live: Iterable[UUID | None], trouble: Iterable[UUID | None]) -> tuple[Progress, ...]:
    """What runs and what failed, the newest first, with their cells counted."""
    running = [key for key in dict.fromkeys(live) if key]
    failed = Counter(key for key in trouble if key)
    wanted = {*running[:SETS], *list(failed)[:SETS], *_broken(policy)}
    rows = policy.visible(VariantSet.objects.filter(pk__in=wanted)).select_related("brand").order_by("-pk")
    cells = _cells(wanted)
    return tuple(
        Progress(
            variant_set=row,
            total=cells[row.pk].total(),
            ready=cells[row.pk]["ready"],
            running=row.pk in running,
            failed=failed[row.pk],
            broken=cells[row.pk]["compose_failed"],
        )
        for row in rows
    )


def _broken(policy: Policy) -> list[UUID]:
    """Sets of late with a cell that could not be composed: that is no job's failure."""
    cells = Variant.objects.filter(variant_set=OuterRef("pk"), state="compose_failed")
    late = VariantSet.objects.filter(Exists(cells), pk__gte=first_id(timezone.now() - RECENT))
    return list(policy.visible(late).order_by("-pk").values_list("pk", flat=True)[:SETS])


def _cells(sets: Collection[UUID]) -> defaultdict[UUID, Counter[str]]:
    """The cells of each set by their state."""
    found: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    rows = Variant.objects.filter(variant_set__in=sets).order_by().values_list("variant_set_id", "state")
    for key, state, n in rows.annotate(n=Count("pk")):
        found[key][state] = n
    return found


def _spent(policy: Policy, *, own: bool) -> tuple[int, int]:
    """What was spent today and in this month, by the rollups; of one person by the ledger. Days are UTC."""
    today = timezone.now().astimezone(UTC).date()
    rows: QuerySet[Any]
    if own:
        rows = LedgerEntry.objects.filter(day__gte=today.replace(day=1), user_id=policy.actor.user_id)
    else:
        rows = SpendRollup.objects.filter(day__gte=today.replace(day=1), model="")
        rows = rows if policy.passes else rows.filter(brand_id__in=policy.brands("see_spend").values("pk"))
    found = rows.order_by().aggregate(today=Sum("spent_micro_usd", filter=Q(day=today)), month=Sum("spent_micro_usd"))
    return found["today"] or 0, found["month"] or 0


def _purses(policy: Policy) -> tuple[Purse, ...]:
    """The limits with the least room, as a share of each."""
    rows = budgets(policy).filter(hard_micro_usd__gt=0)
    found = [_purse(budget) for budget in ledger.current(rows[:MOST_PURSES], now=timezone.now())]
    return tuple(sorted(found, key=lambda one: one.used / one.limit, reverse=True)[:PURSES])


def _purse(budget: Budget) -> Purse:
    limit, used = budget.hard_micro_usd or 0, budget.spent_micro_usd + budget.held_micro_usd
    soft = limit if budget.soft_micro_usd is None else budget.soft_micro_usd
    words = _("${left} left of ${limit}").format(left=dollars(budget.left_micro_usd or 0), limit=dollars(limit))
    name = f"{ledger.whose(budget)} ({budget.get_period_display()})"
    return Purse(budget=budget, name=name, used=max(0, used), limit=limit, words=words, warns=used >= soft)


def first_id(moment: datetime) -> UUID:
    """The smallest id that a row made at this moment can have: ids begin with their time, and are an index."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62)


def _ending(policy: Policy, *, jobs: bool) -> tuple[Ending, ...]:
    """Models that end soon or have ended, as far as something stands on them."""
    return tuple(
        Ending(
            title=use.spec.title or use.spec.id,
            on=use.on,
            days=use.days,
            routes=tuple((one.route.title, title_of(one.follower)) for one in use.routes),
            jobs=Some(n=use.jobs),
        )
        for use in uses(policy, jobs=jobs, most=MOST + 1)
    )


def _step(policy: Policy, last: list[Asset], sets: bool) -> str:
    """The first of brand, picture and set that is missing."""
    # Who is in a brand knows that it is there.
    if not (policy.brands().exists() if policy.passes else policy.somewhere("view")):
        return "brand"
    if sets or policy.visible(VariantSet.objects.order_by()).exists():
        return ""
    return "generate" if last else "upload"
