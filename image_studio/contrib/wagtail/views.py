"""The panel's views, in Wagtail's admin: each answers with the panel alone for its script, else with a whole page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from image_studio.contrib.wagtail import panel
from image_studio.contrib.wagtail.panel import OrderForm, Place
from image_studio.contrib.wagtail.promotion import promote
from image_studio.exceptions import Conflict, StudioError
from image_studio.models import Asset, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.library import file_for
from image_studio.workflow.review import approve_and_publish, publish
from image_studio.workflow.usage import judge_choice


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The studio's page in the menu; with ``source`` it makes variants of these pictures."""
    return _answer(request, Place.read(request.GET))


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Say the price of the form; with ``do=order`` and the digest of what was shown, place it."""
    place, policy = Place.read(request.GET), Policy(request.user)
    form = OrderForm(request.POST, policy=policy, place=place, sources=panel.sources_of(policy, place))
    found = panel.order_of(form)
    if found is not None and not found.blocked and request.POST.get("do") == "order":
        try:
            sets = found.place(policy, form.cleaned_data["key"], seen=form.cleaned_data["digest"])
            return _following(request, place, policy, sets)
        except Conflict as error:
            form.add_error(None, explain_error(error))
        except StudioError as error:
            form.add_error(None, explain_error(error))
            found = None
    return _answer(request, place, order_form=form, **(panel.order_words(found) if found else {}))


@require_GET
def follow(request: HttpRequest) -> HttpResponse:
    """What has come of the orders ``set``; asked again and again while something is on its way."""
    place, policy = Place.read(request.GET), Policy(request.user)
    return _following(request, place, policy, _sets(policy, request.GET.getlist("set")))


@require_POST
def release(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """Approve and publish a picture, or publish an approved one: the workflow's own verbs, with its own refusals."""
    place, policy = Place.read(request.GET), Policy(request.user)
    asset = _asset(policy, asset_id)
    given = request.POST
    alt = {locale: words for locale in asset.alt_missing if (words := given.get(f"alt_{locale}", "").strip())}
    problem = ("", "")
    try:
        if asset.state == "approved":
            publish(policy, asset, alt=alt)
        else:
            approve_and_publish(
                policy, asset, declaration=given.getlist("declared"), alt=alt, seen=given.get("seen", "")
            )
    except StudioError as error:
        problem = (str(asset.pk), explain_error(error))
    return _following(request, place, policy, _sets(policy, given.getlist("set")), problem=problem)


@require_POST
def use(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """Take a published picture: into the field that the dialog was opened for, if it fits, or to the site's images."""
    place, policy = Place.read(request.GET), Policy(request.user)
    asset = _asset(policy, asset_id)
    try:
        judge_choice(asset, policy=policy, brand=place.brand, channel=place.channel)
        if place.kind == "asset":
            return _answer(request, place, chosen_url=place.chosen_url(asset.pk))
        image = promote(policy, asset)
    except (StudioError, ValidationError) as error:
        words = explain_error(error) if isinstance(error, StudioError) else " ".join(error.messages)
        return _answer(request, place, problem=words)
    if place.kind == "image":
        return _answer(request, place, chosen_url=place.chosen_url(image.pk))
    done = _("“%(title)s” is among the images now.") % {"title": image.title}
    return _answer(request, place, done=done, done_url=reverse("wagtailimages:edit", args=[image.pk]))


@require_GET
def picture(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """The small version of a picture for who may see it; 404 for everybody else."""
    policy = Policy(request.user)
    try:
        found = file_for(policy, _asset(policy, asset_id), "preview")
    except StudioError as error:
        raise Http404 from error
    headers = {
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(found.data, content_type=found.mime, headers=headers)


def _asset(policy: Policy, asset_id: UUID) -> Asset:
    rows = policy.visible(Asset.objects.select_related("brand__revision", "channel"))
    found: Asset | None = rows.filter(pk=asset_id).first()
    if found is None:
        raise Http404
    return found


def _sets(policy: Policy, keys: list[str]) -> list[VariantSet]:
    wanted = [key for one in keys[: panel.MOST_SOURCES] if (key := panel.key_of(one))]
    found = policy.visible(VariantSet.objects.all()).in_bulk(wanted)
    if not found:
        raise Http404
    return [found[key] for key in wanted if key in found]


def _following(
    request: HttpRequest, place: Place, policy: Policy, sets: list[VariantSet], *, problem: tuple[str, str] = ("", "")
) -> HttpResponse:
    cells: list[panel.Shown] = []
    again = False
    for one in sets:
        more, working = panel.coming(policy, one, problem=problem)
        cells, again = [*cells, *more], again or working
    keys = "".join(f"&set={one.pk}" for one in sets)
    follow_url = place.url("follow") + keys
    # What others have to do is not looked for by itself: it may take days.
    waiting = not again and not all(cell.offer for cell in cells)
    return _answer(request, place, sets=sets, cells=cells, follow_url=follow_url, again=again, waiting=waiting)


def _answer(request: HttpRequest, place: Place, **more: Any) -> HttpResponse:
    context = panel.panel_context(request, place, **more)
    if not context["studio_panel"]:
        raise Http404
    alone = request.headers.get("X-Studio-Panel")
    template = "panel.html" if alone else "page.html"
    return TemplateResponse(request, f"image_studio_wagtail/{template}", context)
