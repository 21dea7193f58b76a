"""The contact sheet's views: the page, its polls, its inspector, and what is said to its cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from image_studio.admin import files, finishing, inspecting, live
from image_studio.admin.again import tried
from image_studio.admin.base import StudioAdmin, policy_of, refusal, wants_json
from image_studio.admin.bulk import Outcome, name_of, say_many, say_to, ticked
from image_studio.admin.contact_sheet import BULK, FILTERS, SCRIPT_WORDS, context_of
from image_studio.admin.inspecting import Typed
from image_studio.admin.lines import TextsForm, texts_form
from image_studio.admin.money import cost_words
from image_studio.admin.reviewing import VERBS, SayForm
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.models import JobOutput, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow import cells
from image_studio.workflow.allowance import stops
from image_studio.workflow.archive import archive
from image_studio.workflow.costs import cost_of
from image_studio.workflow.sheet import sheet

#: While a set runs, a page without scripts loads itself again; it can be switched off on the page.
REFRESH_SECONDS = 4


def urls(page: StudioAdmin) -> list[Any]:
    """The addresses below a set's own."""

    def route(where: str, view: Callable[..., Any], name: str, *methods: str, cacheable: bool = False) -> Any:
        checked = require_http_methods(methods or ["GET", "HEAD"])(partial(view, page))
        wrapped = page.admin_site.admin_view(checked, cacheable=cacheable)
        return path(f"<uuid:set_id>/{where}", wrapped, name=f"image_studio_variantset_{name}")

    return [
        route("say/", say_to_set, "say", "POST"),
        route("live/", live_answer, "live"),
        route("zip/", archived, "zip"),
        route("compare/", compared, "compare"),
        route("partial/<uuid:job_id>/<int:index>/", early_version, "partial", cacheable=True),
        route("cell/<uuid:cell_id>/", say_to_cell, "cell", "POST"),
        route("cell/<uuid:cell_id>/finish/", finishing.ordered, "finish", "POST"),
        route("cell/<uuid:cell_id>/inspect/", inspected, "inspect", "GET", "HEAD", "POST"),
    ]


def sheet_page(
    page: StudioAdmin, request: HttpRequest, variant_set: VariantSet, *, show: str, status: int = 200, **given: Any
) -> HttpResponse:
    """:param given: what a person had typed and ticked, on a page that is shown again."""
    show = show if show in FILTERS else ""
    found = sheet(policy_of(request), variant_set, evidence=False)
    context = context_of(policy_of(request), found, show=show, **given)
    response = page.page(
        request,
        "sheet.html",
        _("Contact sheet"),
        crumbs=[page.list_crumb()],
        # Reloading a page that answers a form would ask to send the form again.
        live=found.active and request.method == "GET" and request.GET.get("live") != "off",
        refresh_seconds=REFRESH_SECONDS,
        sheet_url=page.url("change", variant_set.pk),
        bar=SafeString(live.bar_html(found)),
        stops=stops(policy_of(request), [variant_set.brand_id]),
        costs=cost_words(cost_of(policy_of(request), variant_set=variant_set.pk)),
        script_words=list(SCRIPT_WORDS.items()),
        **context,
    )
    response.status_code = status
    return response


def live_answer(page: StudioAdmin, request: HttpRequest, set_id: UUID) -> HttpResponse:
    """What changed since an open page last asked."""
    variant_set = page.found(request, str(set_id))
    show = request.GET.get("show", "")
    return live.answer(policy_of(request), variant_set, have=request.GET.get("have", ""), show=show)


def early_version(page: StudioAdmin, request: HttpRequest, set_id: UUID, job_id: UUID, index: int) -> HttpResponse:
    """An early version of a picture of this set; the picture itself once that has taken its place."""
    variant_set = page.found(request, str(set_id))
    if not variant_set.jobs.filter(pk=job_id).exists():
        raise Http404
    made = JobOutput.objects.filter(job=job_id, index=index, asset__isnull=False)
    return files.partial_or(request, job_id, index, made)


def archived(page: StudioAdmin, request: HttpRequest, set_id: UUID) -> HttpResponseBase:
    """All finished pictures in one file."""
    variant_set = page.found(request, str(set_id))
    try:
        return files.download(archive(policy_of(request), variant_set))
    except StudioError as error:
        messages.error(request, explain_error(error))
        return page.back("change", variant_set.pk)


def compared(page: StudioAdmin, request: HttpRequest, set_id: UUID) -> HttpResponse:
    """Two to four candidates side by side."""
    variant_set = page.found(request, str(set_id))
    crumbs = [page.list_crumb(), (_("Contact sheet"), page.url("change", variant_set.pk))]
    context = inspecting.compared(request, variant_set)
    sheet_url = page.url("change", variant_set.pk)
    return page.page(request, "compare.html", _("Side by side"), crumbs=crumbs, sheet_url=sheet_url, **context)


def inspected(page: StudioAdmin, request: HttpRequest, set_id: UUID, cell_id: UUID) -> HttpResponse:
    """Everything about one cell: a page, or with ``part`` what a side panel holds; its forms come back here."""
    if request.method == "POST":
        return _inspector_said(page, request, _changeable(page, request, set_id), cell_id)
    return _inspector(page, request, page.found(request, str(set_id)), cell_id, show=request.GET.get("show", ""))


def _inspector(
    page: StudioAdmin,
    request: HttpRequest,
    variant_set: VariantSet,
    cell_id: UUID,
    *,
    show: str,
    typed: Typed | None = None,
) -> HttpResponse:
    context = inspecting.context_of(request, variant_set, cell_id, show=show, typed=typed)
    context["sheet_url"] = page.url("change", variant_set.pk)
    context["inspect_url"] = page.url("inspect", variant_set.pk, cell_id)
    if "part" in request.GET:
        return TemplateResponse(request, "admin/image_studio/includes/inspect.html", {**context, "part": True})
    crumbs = [page.list_crumb(), (_("Contact sheet"), context["sheet_url"])]
    return page.page(request, "inspect.html", context["shown"].name, crumbs=crumbs, **context)


def _inspector_said(page: StudioAdmin, request: HttpRequest, variant_set: VariantSet, cell_id: UUID) -> HttpResponse:
    """A verb from the inspector; where it is refused, what was typed is still there."""
    cell, show = _cell_of(variant_set, cell_id), request.POST.get("show", "")
    verb = request.POST.get("do", "")
    try:
        message = _say_one(request, cell, verb)
    except StudioError as error:
        if wants_json(request):
            return refusal(error)
        typed = Typed(verb=verb, data=request.POST, problem=explain_error(error))
        response = _inspector(page, request, variant_set, cell_id, show=show, typed=typed)
        response.status_code = error.http_status
        return response
    if wants_json(request):
        return JsonResponse({"ok": True, "message": message})
    messages.success(request, message)
    return HttpResponseRedirect(inspect_url(page, variant_set, cell_id, show))


def _changeable(page: StudioAdmin, request: HttpRequest, set_id: UUID) -> VariantSet:
    found: VariantSet = page.found(request, str(set_id))
    if not request.user.has_perm("image_studio.change_variantset"):
        raise PermissionDenied
    return found


def _cell_of(variant_set: VariantSet, cell_id: UUID) -> Variant:
    """:raises Http404: for a cell of another set."""
    rows = variant_set.variants.select_related("asset__publish_job", "channel", "job")
    cell: Variant | None = rows.filter(pk=cell_id).first()
    if cell is None:
        raise Http404
    cell.variant_set = variant_set
    return cell


def say_to_set(page: StudioAdmin, request: HttpRequest, set_id: UUID) -> HttpResponse:
    """A verb for the whole set, or for its ticked cells; who may only look may still compare those."""
    if "compare" in request.POST:
        chosen = urlencode([("cell", str(cell)) for cell in ticked(request.POST.getlist("cell"))])
        return HttpResponseRedirect(f"{page.url('compare', page.found(request, str(set_id)).pk)}?{chosen}")
    variant_set = _changeable(page, request, set_id)
    verb = request.POST.get("do", "")
    if verb in BULK:
        return _say_to_ticked(page, request, variant_set, verb)
    whole = {"cancel": _cancel, "retry": _retry}
    if verb == "recompose":
        return _recompose(page, request, variant_set)
    if verb not in whole:
        raise PermissionDenied
    return _answered(page, request, variant_set, partial(whole[verb], request, variant_set))


def _answered(
    page: StudioAdmin, request: HttpRequest, variant_set: VariantSet, act: Callable[[], str], *, anchor: str = ""
) -> HttpResponse:
    """Run a verb and say what came of it: as data to a script, as a message on the sheet to a person."""
    try:
        message = act()
    except StudioError as error:
        if wants_json(request):
            return refusal(error)
        messages.error(request, explain_error(error))
    else:
        if wants_json(request):
            return JsonResponse({"ok": True, "message": message})
        messages.success(request, message)
    return HttpResponseRedirect(sheet_url(page, variant_set, request.POST.get("show", ""), anchor))


def _cancel(request: HttpRequest, variant_set: VariantSet) -> str:
    n = cells.cancel(policy_of(request), variant_set)
    return ngettext("Cancelled {n} cell.", "Cancelled {n} cells.", n).format(n=n)


def _retry(request: HttpRequest, variant_set: VariantSet) -> str:
    policy = policy_of(request)
    n = tried(policy, _key(request), f"set {variant_set.pk}", partial(cells.retry, policy, variant_set))
    return ngettext("{n} cell is tried again.", "{n} cells are tried again.", n).format(n=n)


def _recompose(page: StudioAdmin, request: HttpRequest, variant_set: VariantSet) -> HttpResponse:
    form = texts_form(variant_set, request.POST)
    if not form.is_valid():
        return sheet_page(page, request, variant_set, show="", status=400, words=form)
    return _answered(page, request, variant_set, partial(_composed, request, variant_set, form))


def _composed(request: HttpRequest, variant_set: VariantSet, form: TextsForm) -> str:
    job = cells.recompose(policy_of(request), variant_set, texts=form.texts())
    return _("Composed anew with these words: free.") if job else _("The words are kept for the pictures to come.")


def _say_to_ticked(page: StudioAdmin, request: HttpRequest, variant_set: VariantSet, verb: str) -> HttpResponse:
    """The same verb to every ticked cell; those that were refused stay ticked, with what was typed."""
    outcome = say_many(policy_of(request), variant_set, verb, request.POST)
    if wants_json(request):
        return _as_data(outcome)
    for words in outcome.told():
        messages.error(request, words)
    if outcome.done:
        messages.success(request, outcome.success)
    elif outcome.nothing:
        messages.warning(request, _("Tick the cells first."))
    show = request.POST.get("show", "")
    if not outcome.refused:
        return HttpResponseRedirect(sheet_url(page, variant_set, show))
    return sheet_page(
        page,
        request,
        variant_set,
        show=show,
        status=outcome.refused[0].error.http_status,
        ticked=[str(one.cell) for one in outcome.refused],
        say_form=SayForm(request.POST, auto_id=False),
    )


def say_to_cell(page: StudioAdmin, request: HttpRequest, set_id: UUID, cell_id: UUID) -> HttpResponse:
    """A verb for one cell, from the sheet."""
    variant_set = _changeable(page, request, set_id)
    cell, verb = _cell_of(variant_set, cell_id), request.POST.get("do", "")

    def act() -> str:
        return f"{name_of(cell)}: {_say_one(request, cell, verb)}"

    return _answered(page, request, variant_set, act, anchor=f"cell-{cell.pk}")


def _say_one(request: HttpRequest, cell: Variant, verb: str) -> str:
    policy = policy_of(request)
    if verb == "cancel":
        cells.cancel_cell(policy, cell)
        return _("Cancelled.")
    if verb == "retry":
        tried(policy, _key(request), f"cell {cell.pk}", partial(_cell_again, policy, cell))
        return _("Tried again.")
    if verb == "recompose":
        return _relined(request, cell)
    if verb not in VERBS:
        raise PermissionDenied
    return say_to(policy, cell, verb, request.POST)


def _cell_again(policy: Policy, cell: Variant) -> None:
    cells.retry_cell(policy, cell)


def _key(request: HttpRequest) -> str:
    """The key of a button: of its form, or of its own address where many share one form."""
    return str(request.POST.get("key") or request.GET.get("key") or "")


def _relined(request: HttpRequest, cell: Variant) -> str:
    """New words for the lines that one cell shows, in its language."""
    form = TextsForm(request.POST, variant_set=cell.variant_set, locales=[cell.locale], channels=[cell.channel.slug])
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise InvalidRequest("texts.refused", line=str(form[field].label), reason=str(errors[0]))
    return _composed(request, cell.variant_set, form)


def sheet_url(page: StudioAdmin, variant_set: VariantSet, show: str = "", anchor: str = "") -> str:
    """The sheet's address with its filter."""
    query = "?" + urlencode({"show": show}) if show in FILTERS and show else ""
    return page.url("change", variant_set.pk) + query + (f"#{anchor}" if anchor else "")


def inspect_url(page: StudioAdmin, variant_set: VariantSet, cell_id: UUID, show: str = "") -> str:
    query = "?" + urlencode({"show": show}) if show in FILTERS and show else ""
    return page.url("inspect", variant_set.pk, cell_id) + query


def _as_data(outcome: Outcome) -> JsonResponse:
    """What came of a verb for many cells, for scripts."""
    refused = [
        {"id": str(one.cell), "name": one.name, "code": one.error.code, "message": explain_error(one.error)}
        for one in outcome.refused
    ]
    told = [*([outcome.success] if outcome.done else []), *outcome.told()] or [_("Tick the cells first.")]
    answer = {"ok": bool(outcome.done and not refused), "done": outcome.done, "refused": refused, "message": told}
    status = 200 if outcome.done or not outcome.refused else outcome.refused[0].error.http_status
    return JsonResponse({**answer, "message": " ".join(told)}, status=status)
