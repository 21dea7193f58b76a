"""What is said to an edit history and its steps: every button of the workbench that is no question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from image_studio.admin import workbench
from image_studio.admin.again import tried
from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.workbench_form import AskForm, fresh_key
from image_studio.exceptions import Conflict, NotAllowed, StudioError
from image_studio.models import EditChain, EditStep
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow import chains
from image_studio.workflow.changing import take
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.step_orders import request_step

Said = Mapping[str, Any]
#: What a form that is sent again after a change needs: a key of its own.
RENEWED = ("idempotency.other_body", "preview.changed")


def say(page: StudioAdmin, request: HttpRequest, chain: EditChain) -> HttpResponse:
    """One of the buttons.

    :raises Http404: for a button that there is not, or a step of another history.
    """
    verb = str(request.POST.get("do", ""))
    if verb in ("ask", "price"):
        return _asked(page, request, chain, price=verb == "price")
    if verb in OF_CHAIN:
        return _told(page, request, chain, OF_CHAIN[verb], None)
    if verb in OF_STEP:
        return _told(page, request, chain, OF_STEP[verb], _step(chain, request.POST))
    raise Http404


def _asked(page: StudioAdmin, request: HttpRequest, chain: EditChain, *, price: bool) -> HttpResponse:
    """A step asked for, or the form back with its price or with what is wrong."""
    policy = policy_of(request)
    form = AskForm(request.POST, policy=policy, chain=chain)
    if price or not form.is_valid():
        if "key" in form.errors:
            _renew(form)
        return workbench.show(page, request, chain, posted=form)
    try:
        step = request_step(
            policy,
            chain,
            form.order(),
            key=form.cleaned_data["key"],
            # What was not seen is not bought.
            digest=form.cleaned_data["digest"] or "none",
        )
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        return _again(page, request, chain, form, error)
    chains.save_draft(policy, chain, {})
    return HttpResponseRedirect(f"{page.url('change', chain.pk)}?step={step.number}")


def _again(
    page: StudioAdmin, request: HttpRequest, chain: EditChain, form: AskForm, error: StudioError
) -> HttpResponse:
    """The page with what was typed and the reason; it asks for a new yes where something else is true now."""
    chain.refresh_from_db()
    if error.code in RENEWED:
        _renew(form)
    form.add_error(None, explain_error(error))
    return workbench.show(page, request, chain, posted=form, status=error.http_status)


def _renew(form: AskForm) -> None:
    posted: Any = form.data
    renewed = posted.copy()
    renewed["key"] = fresh_key()
    form.data = renewed


def _step(chain: EditChain, said: Said) -> EditStep:
    text = str(said.get("step", ""))
    row = chain.steps.select_related("job").filter(number=int(text)).first() if _is_number(text) else None
    if row is None:
        raise Http404
    row.chain = chain
    return row


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 7


def _told(
    page: StudioAdmin, request: HttpRequest, chain: EditChain, verb: Callable[..., Any], step: EditStep | None
) -> HttpResponse:
    """Say it, and go on to where its result is seen; a refusal is told there."""
    here = page.url("change", chain.pk)
    at = f"?step={step.number}" if step else _where(request)
    try:
        done = verb(policy_of(request), step or chain, request.POST)
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        messages.error(request, explain_error(error))
        # The head that somebody else chose is what is looked at now.
        at = "" if isinstance(error, Conflict) and error.code == "chain.head_moved" else at
        return HttpResponseRedirect(here + at)
    if isinstance(done, EditChain):
        messages.success(request, _("A history of its own begins here. The other one stays as it is."))
        return HttpResponseRedirect(page.url("change", done.pk))
    words, url = done if isinstance(done, tuple) else (done, "")
    if words:
        messages.success(request, words)
    return HttpResponseRedirect(url or here + at)


def _where(request: HttpRequest) -> str:
    text = request.GET.get("step", "")
    return f"?step={text}" if _is_number(text) else ""


def _index(said: Said) -> int | None:
    text = str(said.get("index", ""))
    return int(text) if _is_number(text) else None


def _seen(said: Said) -> int:
    text = str(said.get("seen", ""))
    return int(text) if _is_number(text) else 0


def _rename(policy: Policy, chain: EditChain, said: Said) -> None:
    chains.rename(policy, chain, str(said.get("title", "")))


def _close(policy: Policy, chain: EditChain, _said: Said) -> str:
    chains.close(policy, chain)
    return _("The history is closed. It can be opened again.")


def _reopen(policy: Policy, chain: EditChain, _said: Said) -> None:
    chains.reopen(policy, chain)


def _choose(policy: Policy, step: EditStep, said: Said) -> None:
    chains.choose(policy, step, _index(said) or 0, seen=_seen(said))


def _head(policy: Policy, step: EditStep, said: Said) -> None:
    chains.move_head(policy, step.chain, step.number, seen=_seen(said))


def _reject(policy: Policy, step: EditStep, said: Said) -> None:
    chains.reject_step(policy, step, reason=str(said.get("reason", "")), note=str(said.get("note", "")))


def _undecide(policy: Policy, step: EditStep, _said: Said) -> None:
    chains.undecide(policy, step)


def _cancel(policy: Policy, step: EditStep, _said: Said) -> None:
    chains.cancel_step(policy, step)


def _retry(policy: Policy, step: EditStep, said: Said) -> None:
    tried(policy, str(said.get("key", "")), f"step {step.pk}", partial(chains.retry_step, policy, step))


def _fork(policy: Policy, step: EditStep, said: Said) -> EditChain:
    return chains.fork_chain(policy, step, candidate=_index(said))


def _recipe(policy: Policy, step: EditStep, said: Said) -> str:
    recipe = save_recipe(policy, step, str(said.get("name", "")))
    return _("The recipe “{name}” is kept. Walk it again from another picture whenever you like.").format(
        name=recipe.name
    )


def _take(policy: Policy, step: EditStep, said: Said) -> tuple[str, str]:
    take(policy, step, _index(said))
    cell = step.chain.cell
    url = reverse("admin:image_studio_variantset_change", args=[cell.variant_set_id]) if cell else ""
    return _("The picture takes its place in the contact sheet. Logo and lines are composed anew, free."), url


OF_CHAIN: Mapping[str, Callable[..., Any]] = {"rename": _rename, "close": _close, "reopen": _reopen}
OF_STEP: Mapping[str, Callable[..., Any]] = {
    "choose": _choose,
    "head": _head,
    "reject": _reject,
    "undecide": _undecide,
    "cancel": _cancel,
    "retry": _retry,
    "fork": _fork,
    "recipe": _recipe,
    "take": _take,
}
