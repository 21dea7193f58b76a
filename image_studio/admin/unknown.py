"""Calls in doubt: the list of them, and the page where a person adopts, sends again or writes off."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.again import bound, said_by
from image_studio.admin.base import policy_of
from image_studio.admin.money import left_words, micro, usd
from image_studio.conf import routes
from image_studio.exceptions import InvalidRequest, NotAllowed, StudioError
from image_studio.models import Attempt, Brand, Job
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.wording.money import most_dollars
from image_studio.workflow.allowance import stops
from image_studio.workflow.chains import most_after, resend_of, step_for
from image_studio.workflow.jobs import offered
from image_studio.workflow.partials import shown
from image_studio.workflow.spending import money_findings
from image_studio.workflow.unknowns import Doubt, adopt, doubt_of, doubtful, doubts_of, resend, write_off

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin

TITLE = gettext_lazy("Unknown outcomes")
MOST = 100
LETTERS = 160
CHANGE_JOB = "image_studio.change_job"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A call in doubt as a list shows it."""

    doubt: Doubt
    url: str
    asked: str
    route: str
    held: str
    why: str
    goes_on: bool
    early: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """The calls that wait for a decision, and how many more there are than are shown."""

    rows: Sequence[Row]
    more: bool

    def __bool__(self) -> bool:
        return bool(self.rows)


def listed(policy: Policy, *, most: int = MOST, brand: Brand | None = None) -> Doubts:
    """The calls in doubt that this person may see, the oldest first. One query and a look into the spool for each."""
    found = doubtful(policy)
    if brand is not None:
        found = found.filter(job__brand=brand)
    calls = list(found[: most + 1])
    return Doubts(rows=[row_of(doubt_of(call, call.job)) for call in calls[:most]], more=len(calls) > most)


def settle_url(job_id: Any) -> str:
    """Where a job's doubts are settled."""
    return reverse("admin:image_studio_job_settle", args=[job_id])


def row_of(doubt: Doubt) -> Row:
    """A call in doubt in words."""
    job, call = doubt.job, doubt.attempt
    known = routes().get(job.route)
    code, params = (call.error_code, call.error_params) if call.error_code else (job.error_code, job.error_params)
    return Row(
        doubt=doubt,
        url=settle_url(job.pk),
        asked=Truncator(_asked(job)).chars(LETTERS),
        route=str(known.title) if known else job.route,
        held=usd(doubt.held_micro_usd) if doubt.held_micro_usd else "",
        why=explain(code, params) if code else "",
        # Sent again since: the job itself goes on, or has ended.
        goes_on=job.state != "unknown",
        early=_early(job),
    )


def _asked(job: Job) -> str:
    """A person's own words, where they are known; what was sent is longer."""
    step = getattr(job, "step", None)
    return str((step.instruction if step else "") or (job.request or {}).get("prompt") or "")


def _early(job: Job) -> list[str]:
    """Early versions that came before the answer broke off."""
    url = "admin:image_studio_job_partial"
    return [f"{reverse(url, args=[job.pk, at])}?v={row['number']}" for at, row in sorted(shown(job).items())]


# The list ----------------------------------------------------------------------------------------------------------


def respond(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """Every call in doubt that this person may see."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    found = listed(policy_of(request))
    return page.page(request, "unknown.html", str(TITLE), crumbs=[page.list_crumb()], doubts=found)


# One job -----------------------------------------------------------------------------------------------------------


def settle(page: StudioAdmin, request: HttpRequest, job_id: UUID) -> HttpResponse:
    """What may be done about a job, each with what it does to the money; a post is one of the three verbs."""
    job: Job = page.found(request, str(job_id))
    if request.method != "POST":
        return _shown(page, request, job)
    if not request.user.has_perm(CHANGE_JOB):
        raise PermissionDenied
    verb = VERBS.get(request.POST.get("do", ""))
    if verb is None:
        raise PermissionDenied
    try:
        words = verb(policy_of(request), job, request.POST)
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except InvalidRequest as error:
        return _shown(page, request, job, problem=explain_error(error), status=error.http_status)
    except StudioError as error:
        messages.error(request, explain_error(error))
        return HttpResponseRedirect(settle_url(job.pk))
    messages.success(request, words)
    return HttpResponseRedirect(_back(page, job))


def _shown(page: StudioAdmin, request: HttpRequest, job: Job, *, problem: str = "", status: int = 200) -> HttpResponse:
    policy = policy_of(request)
    allowed = request.user.has_perm(CHANGE_JOB)
    doubts = doubts_of(job)
    rows = [row_of(doubt) for doubt in doubts]
    may = offered(policy, job) if allowed else frozenset()
    step = step_for(job) if may else None
    after = most_after(step) if step else 0
    again = resend_of(job) if "resend" in may else None
    told = again.most if again else 0
    most = told or 0
    money = money_findings(policy, job.brand, most) if "resend" in may else ()
    response = page.page(
        request,
        "unknown_job.html",
        _("What to do about it"),
        crumbs=[page.list_crumb(), (str(TITLE), reverse("admin:image_studio_job_unknown"))],
        job=job,
        rows=rows,
        known=Doubts(rows=rows, more=False),
        may=may,
        may_write_off=allowed and bool(doubts) and policy.can("write_off", job),
        needs_manager=bool(doubts) and not policy.can("write_off", job),
        paid=bool(doubts) and all(doubt.paid for doubt in doubts),
        blocks=[explain(one.code, one.params) for one in money if one.blocks],
        again=most_dollars(most) if most else "",
        after=most_dollars(after) if after else "",
        left=left_words(policy, job.brand, most) if "resend" in may else "",
        key=bound(uuid.uuid4().hex, told),
        here=any(doubt.here for doubt in doubts),
        hosts=sorted({doubt.attempt.host for doubt in doubts if doubt.attempt.host}),
        problem=problem,
        typed=request.POST,
        stops=stops(policy, [job.brand_id]),
        **_around(job),
    )
    response.status_code = status
    return response


def _around(job: Job) -> dict[str, str]:
    """The pages that show the job's place."""
    step = getattr(job, "step", None)
    chain = reverse("admin:image_studio_editchain_change", args=[step.chain_id]) if step else ""
    sheet = reverse("admin:image_studio_variantset_change", args=[job.variant_set_id]) if job.variant_set_id else ""
    return {
        "sheet_url": sheet,
        "chain_url": f"{chain}?step={step.number}" if step else "",
        "job_url": reverse("admin:image_studio_job_change", args=[job.pk]),
    }


def _back(page: StudioAdmin, job: Job) -> str:
    """Where a person sees what came of it: where the job's picture is to stand, else the job."""
    around = _around(job)
    if Attempt.objects.filter(job=job.pk, state="unknown").exists():
        return settle_url(job.pk)
    return around["sheet_url"] or around["chain_url"] or around["job_url"]


# The verbs ---------------------------------------------------------------------------------------------------------


def _adopt(policy: Policy, job: Job, _said: Any) -> str:
    now = adopt(policy, job)
    if now.state == "unknown":
        return _("The worker on the call's own host looks for what came, within a sweep.")
    return _("What came is being taken in. Nothing was sent.")


def _resend(policy: Policy, job: Job, said: Any) -> str:
    key = str(said.get("key", ""))
    resend(policy, job, key=key, most=said_by(key))
    return _("Sent again, with a hold of its own. The call before keeps its hold until it is written off.")


def _write_off(policy: Policy, job: Job, said: Any) -> str:
    choice = str(said.get("charged", ""))
    charged = {"held": None, "none": 0}.get(choice)
    if choice == "bill":
        try:
            charged = micro(str(said.get("amount", "")))
        except ValueError:
            raise InvalidRequest("money.bad_sum") from None
    elif choice not in ("held", "none"):
        raise InvalidRequest("job.say_the_charge")
    try:
        call = UUID(str(said["attempt"])) if said.get("attempt") else None
    except ValueError:
        raise InvalidRequest("job.name_the_call", calls=len(doubts_of(job))) from None
    write_off(policy, job, attempt=call, charged_micro_usd=charged, note=str(said.get("note", "")))
    return _("Written off. The ledger keeps what you said.")


VERBS = {"adopt": _adopt, "resend": _resend, "write_off": _write_off}
