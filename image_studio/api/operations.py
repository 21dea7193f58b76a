"""What each operation is, said beside its method: its id, its words, its parts. The OpenAPI document is made of it.

DRF's and drf-spectacular's own decorators read the site's settings at import; this is plain data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one address.

    :param id: stable, lowerCamelCase: generated clients name their functions so.
    :param body: serializer class, or media type -> schema; None takes no body.
    :param optional: whether the body may be left out.
    :param answers: status -> serializer class, or None for no body.
    :param errors: statuses it can fail with, beside those that everything can.
    :param listed: serializer class of a list's rows: the answer is a page of them.
    """

    id: str
    summary: str
    description: str = ""
    body: Any = None
    optional: bool = False
    answers: Mapping[int, Any] = field(default_factory=dict)
    errors: Sequence[int] = ()
    parameters: Sequence[OpenApiParameter] = ()
    examples: Sequence[OpenApiExample] = ()
    listed: Any = None
    #: Whether the POST wants an Idempotency-Key.
    keyed: bool = False


def operation(name: str, summary: str, **parts: Any) -> Callable[[Handler], Handler]:
    """Say what a view's method is; :class:`~image_studio.api.schema.StudioSchema` reads it."""
    said = Operation(id=name, summary=summary, **parts)

    def mark(handler: Handler) -> Handler:
        handler.operation = said  # type: ignore[attr-defined]
        return handler

    return mark


def query(name: str, description: str, kind: Any = str, **more: Any) -> OpenApiParameter:
    """A parameter of the query."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description, **more)
