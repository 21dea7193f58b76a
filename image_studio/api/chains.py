"""Edit chains: begin, look at the tree, name, close, move the head, fork, hear what happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import chain_rows as rows
from image_studio.api import step_rows
from image_studio.api.base import StudioView, as_uuid
from image_studio.api.cost_rows import cost_row
from image_studio.api.filters import WORDS, Filter, OneOf, Slug, StudioFilters
from image_studio.api.job_rows import EVENT_FIELDS, event_row
from image_studio.api.keyed import NotThere, answered, answered_before
from image_studio.api.operations import operation, query
from image_studio.api.parsers import MOST_INTEGER
from image_studio.api.polled import polled
from image_studio.api.step_orders import NewChain, order_of
from image_studio.models import Asset, Brand, EditChain, EditStep, Event
from image_studio.states import CHAIN, JOB_ENDED
from image_studio.workflow import chains as verbs
from image_studio.workflow.changing import base_of, cell_of
from image_studio.workflow.costs import cost_of
from image_studio.workflow.step_asking import asked_from, parent_of
from image_studio.workflow.step_orders import judged_step, new_chain, place
from image_studio.workflow.steps import priced, route_named
from image_studio.workflow.tree import Tree, tree

#: Events of one answer.
MOST_EVENTS = 200
#: A transaction that began earlier may still write an event with a smaller number for so long.
SETTLED = timedelta(seconds=5)


class ChainFilters(StudioFilters):
    """The list's filters."""

    brand = Slug("brand__slug", about="A brand's slug.")
    state = OneOf("state", words=CHAIN.labels, about="Whether steps can be asked for.")
    source = Filter(
        about="Id of the picture that it began with.", shape={"type": "string", "format": "uuid"}, method="by_source"
    )
    q = Filter(method="by_title", about="Words of its title.", shape=WORDS)

    def by_source(self, found: QuerySet[EditChain], name: str, value: str) -> QuerySet[EditChain]:
        pk = as_uuid(value)
        if pk is None:
            raise ValidationError({name: [_("It is no id.")]})
        return found.filter(source=pk)

    def by_title(self, found: QuerySet[EditChain], _name: str, value: str) -> QuerySet[EditChain]:
        for word in value.split():
            found = found.filter(title__icontains=word)
        return found


class ChainView(StudioView):
    """What the addresses of chains share."""

    tag = "chains"

    def chain(self, pk: UUID) -> EditChain:
        """:raises Http404: as :meth:`~image_studio.api.base.StudioView.found`."""
        found: EditChain = self.found(EditChain.objects.select_related("brand__revision", "cell"), pk=pk)
        return found

    def url_of(self, pk: Any) -> str:
        """The absolute address of a chain."""
        return self.address("chain-detail", pk)

    def may(self, chain: EditChain) -> dict[str, bool]:
        """What this person may say in a chain."""
        return {verb: self.policy.can(verb, chain) for verb in rows.VERBS}

    def row(self, chain: EditChain) -> dict[str, Any]:
        """The chain as JSON, without its steps."""
        return rows.chain_row(rows.columns_of(chain), self.url_of(chain.pk))

    def detail(self, found: Tree) -> dict[str, Any]:
        """The chain as JSON, with all of its steps."""
        plain = rows.chain_detail(found, self.url_of(found.chain.pk), self.may(found.chain))
        return {**plain, "cost": cost_row(cost_of(self.policy, chain=found.chain.pk))}

    def going_on(self, step: EditStep) -> tuple[str, dict[str, Any]]:
        """Where to look for a step that was accepted, and what is said of it."""
        body = step_rows.accepted(step, self.url_of(step.chain_id))
        return body["url"], body

    def pictures(self, brand: Brand, ids: Sequence[UUID]) -> list[Asset]:
        """Pictures that a body names, in its order.

        :raises NotThere: ``asset.unknown``: not there, of another brand, or somebody else's.
        """
        found = self.policy.visible(Asset.objects.filter(brand=brand)).select_related("brand__revision").in_bulk(ids)
        for pk in ids:
            if pk not in found:
                raise NotThere("asset.unknown", asset=str(pk))
        return [found[pk] for pk in dict.fromkeys(ids)]


class ChainList(ChainView):
    """The chains of your brands."""

    filters: ClassVar[Any] = ChainFilters
    scopes = {"POST": "spend"}

    @operation(
        "listChains",
        "List edit chains",
        description="Of all brands that you are in, the last touched first.",
        listed=rows.ChainRow,
        parameters=ChainFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        base = self.address("chain-list")
        found = self.policy.visible(EditChain.objects.all())
        make = lambda row: rows.chain_row(row, f"{base}{row['id']}/")  # noqa: E731
        return self.listed(request, found, make, rows.FIELDS, order=("-touched_at", "-id"))

    @operation(
        "createChain",
        "Begin an edit chain",
        description=(
            "With a picture (`asset`): free, 201 with the chain. With words (`prompt`): spends up to the price of the "
            "picture, 202 with its first step."
        ),
        body=NewChain,
        answers={201: rows.ChainRow, 202: step_rows.StepAccepted},
        errors=(403, 404, 503),
        keyed=True,
    )
    def post(self, request: Request) -> Response:
        said = self.body(NewChain)
        status = 201 if "asset" in said else 202
        before = answered_before(self, status=status)
        if before is not None:
            return before
        brand = self.brand(said["brand"], "generate")
        act = self._from_picture(brand, said) if status == 201 else self._from_words(brand, said)
        return answered(self, act, status=status)

    def _from_picture(self, brand: Brand, said: dict[str, Any]) -> Any:
        (asset,) = self.pictures(brand, [said["asset"]])

        def act() -> tuple[str, dict[str, Any]]:
            cell = cell_of(asset)
            chain = verbs.start_chain(self.policy, brand, base_of(asset), title=said.get("title", ""), cell=cell)
            body = self.row(chain)
            return body["url"], body

        return act

    def _from_words(self, brand: Brand, said: dict[str, Any]) -> Any:
        order = order_of(said["prompt"], kind="generate")
        plan = priced(asked_from(self.policy, brand, None, order), route_named(order.route))
        judged_step(plan, digest=said.get("digest", ""))

        def act() -> tuple[str, dict[str, Any]]:
            chain = new_chain(self.policy, brand, title=said.get("title") or order.instruction)
            return self.going_on(place(self.policy, chain, plan, ()))

        return act


class ChainDetails(ChainView):
    """One chain: what a client polls."""

    @operation(
        "getChain",
        "Look at an edit chain",
        description=(
            "The whole tree, in one answer. `Retry-After` says when to ask again while something comes; send `ETag` "
            "back as `If-None-Match`."
        ),
        answers={200: rows.ChainDetail, 304: None},
    )
    def get(self, request: Request, chain_id: UUID) -> Response:
        self.only_query()
        found = tree(self.policy, self.chain(chain_id))
        return polled(request, self.detail(found), active=found.active)

    @operation(
        "changeChain",
        "Rename, close or reopen an edit chain",
        description="A closed chain can be looked at and forked; no step is asked for in it.",
        body=rows.ChainChange,
        answers={200: rows.ChainRow},
        errors=(403,),
    )
    def patch(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        said = self.body(rows.ChainChange, partial=True)
        self.policy.require("generate", chain)
        if "title" in said and said["title"] != chain.title:
            verbs.rename(self.policy, chain, said["title"])
        if "state" in said:
            (verbs.reopen if said["state"] == "open" else verbs.close)(self.policy, chain)
        return Response(self.row(self.chain(chain_id)))


class ChainHead(ChainView):
    """Where the next step grows from."""

    @operation(
        "moveHead",
        "Let the next step grow from another one",
        body=rows.HeadMove,
        answers={200: rows.ChainRow},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        said = self.body(rows.HeadMove)
        verbs.move_head(self.policy, chain, said["step"], seen=said["seen"])
        return Response(self.row(self.chain(chain_id)))


class ChainFork(ChainView):
    """A chain of its own."""

    @operation(
        "forkChain",
        "Begin a chain of its own with a step's picture",
        description="Free. To branch within the tree, ask for a step with that `parent` instead.",
        body=rows.Fork,
        answers={201: rows.ChainRow},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        said = self.body(rows.Fork)
        self.policy.require("generate", chain)
        step = parent_of(chain, said["step"])
        step.chain = chain
        made = verbs.fork_chain(self.policy, step, candidate=said.get("candidate"), title=said.get("title", ""))
        body = self.row(made)
        return Response(body, status=201, headers={"Location": body["url"]})


class ChainEventList(ChainView):
    """A chain's story, as it goes on."""

    @operation(
        "listChainEvents",
        "Hear what happened in an edit chain since",
        description=(
            "Oldest first. Send the `after` of the last answer: what came since is told, and the last few seconds "
            "again, so that nothing is missed. `Retry-After` says when to ask again while something comes."
        ),
        answers={200: rows.ChainEvents, 304: None},
        parameters=(
            query("after", "As the last answer said.", {"type": "integer", "minimum": 0, "maximum": MOST_INTEGER}),
        ),
    )
    def get(self, request: Request, chain_id: UUID) -> Response:
        self.only_query("after")
        chain, after = self.chain(chain_id), _after(request.query_params.get("after", "0"))
        steps = list(chain.steps.values_list("number", "outcome", "job", "job__state"))
        of_job = {str(job): number for number, _outcome, job, _state in steps if job}
        mine = Q(object_type="editchain", object_id=str(chain.pk)) | Q(object_type="job", object_id__in=list(of_job))
        found = Event.objects.filter(mine, id__gt=after).order_by("id")
        told = list(found.values("id", "object_id", *EVENT_FIELDS)[:MOST_EVENTS])
        at_work = [number for number, _outcome, job, state in steps if job and state not in JOB_ENDED]
        # What is planned comes only after a step that is under way.
        planned = [number for number, outcome, *_job in steps if at_work and outcome == "planned"]
        next_after = _next(told, after)
        events = [_event(row, of_job) for row in told]
        news = {row["step"] for row in events if row["step"] is not None}
        body = {
            "events": events,
            "steps": sorted({*news, *at_work, *planned}),
            "head": chain.head,
            "after": next_after,
            "active": bool(at_work),
        }
        return polled(request, body, active=bool(at_work))


def _after(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > MOST_INTEGER:
        raise ValidationError({"after": [_("It is no number that an answer said.")]})
    return int(text)


def _next(told: list[dict[str, Any]], after: int) -> int:
    """Up to where nothing can come any more that was not told."""
    if len(told) == MOST_EVENTS:
        return int(told[-1]["id"])
    settled = timezone.now() - SETTLED
    return max((int(row["id"]) for row in told if row["at"] < settled), default=after)


def _event(row: dict[str, Any], of_job: dict[str, int]) -> dict[str, Any]:
    number = of_job.get(row.pop("object_id"), row["data"].get("step"))
    return {"id": row.pop("id"), "step": number if isinstance(number, int) else None, **event_row(row)}
