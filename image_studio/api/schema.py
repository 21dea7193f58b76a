"""The OpenAPI document: made of the operations that the views say of themselves, on every site the same."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from image_studio.api.fields import Body
from image_studio.api.operations import Operation, query
from image_studio.api.problems import MEDIA_TYPE

LIMIT = query("limit", "Rows of a page.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50})
CURSOR = query("cursor", "A place in the list, as `next` and `previous` carry it.")
KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    required=True,
    description="Yours, new for each order: the same key again gives the same answer, and nothing is bought twice.",
)
#: Something beside what Python strips; regular expressions elsewhere do not count its last five as white space.
NOT_BLANK = r"[^\s\u001c-\u001f\u0085]"
#: What an error of each status means here.
REASONS = {
    400: "The request is not as this document says.",
    401: "Nobody is signed in.",
    403: "You are in the brand, and your role may not do this.",
    404: "Not there, or in a brand that you are not in.",
    405: "The address does not take this method.",
    406: "The answer is not of a type that you accept.",
    409: "Its state does not allow this, or somebody was faster.",
    412: "It changed since you read it.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "The request is as this document says and does not hold, or its Idempotency-Key was used for another.",
    429: "Too often; `Retry-After` says when again.",
    503: "A file cannot be read or written; the operator's move.",
}


class Problem(serializers.Serializer):
    """An error (RFC 9457)."""

    type = serializers.CharField(help_text="`about:blank`: the code says which.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable, for programs: `asset.wrong_state`.")
    detail = serializers.CharField(help_text="A sentence for people: what is wrong and what to do next.")
    fault = serializers.ChoiceField(
        choices=["caller", "operator", "provider", "studio"], help_text="Whose move is next."
    )
    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Field -> sentences; `body` is the body as a whole.",
    )


class StudioSchema(AutoSchema):
    """Reads :class:`~image_studio.api.operations.Operation` off the view's method."""

    @property
    def said(self) -> Operation:
        handler = getattr(self.view, self.method.lower())
        found: Operation = handler.operation
        return found

    def get_operation_id(self) -> str:
        return self.said.id

    def get_summary(self) -> str:
        return self.said.summary

    def get_description(self) -> str:
        return self.said.description

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_examples(self) -> list[Any]:
        return list(self.said.examples)

    def get_request_serializer(self) -> Any:
        return self.said.body

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: str) -> Any:
        """A body takes no other keys and no blank words where it needs some; the document says so."""
        above: Any = super()
        found = above._postprocess_serializer_schema(schema, serializer, direction)  # noqa: SLF001
        one = serializer() if isinstance(serializer, type) else serializer
        if not isinstance(one, Body):
            return found
        for name, field in one.fields.items():
            if isinstance(field, serializers.CharField) and not field.allow_blank:
                found["properties"][name] = {"minLength": 1, "pattern": NOT_BLANK, **found["properties"][name]}
        return {**found, "additionalProperties": False}

    def get_override_parameters(self) -> list[Any]:
        more = [LIMIT, CURSOR] if self.said.listed else []
        return [*self.said.parameters, *more, *([KEY] if self.said.keyed else [])]

    def get_response_serializers(self) -> Any:
        answers: dict[Any, Any] = {status: _answer(what) for status, what in self.said.answers.items()}
        if self.said.listed:
            answers[200] = _page(self.said.listed)
        for status in sorted({*self.said.errors, *self._usual()}):
            answers[status, MEDIA_TYPE] = OpenApiResponse(Problem, REASONS[status])
        return answers

    def _usual(self) -> set[int]:
        """What every operation can fail with, by what it takes."""
        found = {400, 406, 429} if self.view.throttle_classes else {400, 406}
        if self.view.get_authenticators():
            found.add(401)
        if "{" in self.path:
            found.add(404)
        if self.said.body is not None:
            found |= {413, 415, 422}
        if self.said.keyed:
            found |= {409, 422}
        if self.said.listed:
            found.add(422)
        return found

    def _get_request_body(self, direction: str = "request") -> Any:
        """A body may be left out only where its operation says so."""
        above: Any = super()
        found = above._get_request_body(direction)  # noqa: SLF001
        return found and {**found, "required": not self.said.optional}


def _answer(what: Any) -> Any:
    return OpenApiResponse(description="No body.") if what is None else what


def _page(row: Any) -> Any:
    """A page of rows, as one named component."""
    name = row.__name__ + "Page"
    address = {"allow_null": True, "help_text": "An address; null at the end."}
    parts = {
        "next": serializers.URLField(**address),
        "previous": serializers.URLField(**address),
        "results": row(many=True),
    }
    return inline_serializer(name, parts)
