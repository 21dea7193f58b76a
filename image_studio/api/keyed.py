"""POSTs that can spend: a key of the client's, one answer for it, and the work goes on after 202."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from rest_framework.response import Response

from image_studio import ledger
from image_studio.api.base import SOON, StudioView
from image_studio.api.rendering import dump
from image_studio.exceptions import InvalidRequest
from image_studio.workflow import Once, once, replayed
from image_studio.workflow.edit_files import Drawn
from image_studio.workflow.step_orders import once_drawn


class NotThere(InvalidRequest):
    """An id in a body that this person may not know of, whether it is there or not."""

    http_status = 404


def answered(
    view: StudioView, act: Callable[[], tuple[str, Any]], *, status: int = 202, most: int | None = None
) -> Response:
    """What the request's key was answered, or the answer that ``act`` makes now.

    :param act: changes rows only; returns the address to look at next, and the body.
    :param most: the most that it may hold, in micro-USD.
    :raises StudioError: as :func:`~image_studio.workflow.once.once`; ``price.risen``.
    """

    def acted() -> dict[str, Any]:
        with ledger.at_most(most):
            return _kept(*act())

    return _response(once(view.policy, _key(view), _body(view), acted), status)


def answered_drawn(view: StudioView, act: Callable[[], tuple[str, Any]], drawn: Sequence[Drawn]) -> Response:
    """The same where files of masks were stored before: those that no row speaks of in the end are deleted again."""
    return _response(once_drawn(view.policy, _key(view), _body(view), lambda: _kept(*act()), drawn))


def answered_before(view: StudioView, *, status: int = 202) -> Response | None:
    """The same for views with something slow to do before the act, where the key was answered."""
    found = replayed(view.policy, _key(view), _body(view))
    return _response(found, status) if found else None


def _key(view: StudioView) -> str:
    return str(view.request.headers.get("Idempotency-Key", ""))


def _body(view: StudioView) -> list[Any]:
    """As it was sent: what it means may change until it is sent again."""
    return [view.request.method, view.request.path, dict(view.request.data)]


def _kept(location: str, body: Any) -> dict[str, Any]:
    # As text: PostgreSQL's JSON would give its keys back in another order.
    return {"location": location, "body": dump(body).decode()}


def _response(done: Once, status: int = 202) -> Response:
    headers = {"Location": done.answer["location"]}
    if status == 202:
        headers["Retry-After"] = SOON
    if done.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(orjson.loads(done.answer["body"]), status=status, headers=headers)
