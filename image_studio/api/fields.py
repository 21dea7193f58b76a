"""Fields of bodies: JSON's own types and no others, the same on every site."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: What only the server writes: said by a client, each is refused and not ignored.
SERVER_OWNED = frozenset(
    {
        *("id", "brand", "state", "origin", "kind", "recipe", "revision", "provider", "operator", "publishable"),
        *("cost", "micro_usd", "cost_micro_usd", "estimate_micro_usd", "source_type", "fingerprint"),
        *("held_micro_usd", "hold_micro_usd", "spent_micro_usd", "left_micro_usd", "over_micro_usd", "resends"),
        *("owner", "created_by", "requested_by", "approver", "reviewer", "reviewer_label"),
        *("sha256", "format", "width", "height", "weight", "created_at", "published_at", "used_at"),
    }
)
#: DRF's code of an error between fields that each hold for themselves.
MISFIT = "misfit"


def misfit(errors: Mapping[str, list[Any]]) -> serializers.ValidationError:
    """What is wrong between fields; it answers 422, where a field that does not hold for itself answers 400."""
    return serializers.ValidationError(errors, code=MISFIT)


class Body(serializers.Serializer):
    """A JSON object with these keys and no others."""

    default_error_messages = {
        "unknown": _("There is no such field."),
        "close": _("There is no such field. Did you mean {close}?"),
        "owned": _("Only the server writes this field."),
    }

    def to_internal_value(self, data: Any) -> Any:
        """:raises ValidationError: naming every key that is not known."""
        if isinstance(data, Mapping):
            wrong = {key: [self._unknown(key)] for key in data if key not in self.fields}
            if self.parent is not None:
                # An object inside is whole, even where only a part of the body is said.
                lacks = [name for name, one in self.fields.items() if one.required and name not in data]
                wrong |= {name: [str(self.fields[name].error_messages["required"])] for name in lacks}
            if wrong:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)

    def _unknown(self, key: str) -> str:
        if key in SERVER_OWNED:
            return str(self.error_messages["owned"])
        close = difflib.get_close_matches(key, self.fields, n=1)
        if close:
            return str(self.error_messages["close"]).format(close=close[0])
        return str(self.error_messages["unknown"])


class Nothing(Body):
    """No words are needed."""


class Text(serializers.CharField):
    """A string; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Choice(serializers.ChoiceField):
    """One of a few strings."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class Integer(serializers.IntegerField):
    """A whole number, without quotes."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, (int, float)) or data != int(data):
            self.fail("invalid")
        return int(data)


class Number(serializers.FloatField):
    """A number, without quotes."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        return float(data)


class Flag(serializers.BooleanField):
    """``true`` or ``false``; "yes" is neither."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(data)


class Id(serializers.UUIDField):
    """An id as we write it: 36 characters."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not UUID.fullmatch(data):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


#: RFC 3339, as far as we go.
_DAY, _TIME = r"(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])-\d\d", r"([01]\d|2[0-3]):[0-5]\d"
MOMENT = rf"^{_DAY}[Tt]{_TIME}:[0-5]\d(\.\d{{1,6}})?([Zz]|[+-]{_TIME})$"


@extend_schema_field({"type": "string", "format": "date-time", "pattern": MOMENT})
class Moment(serializers.DateTimeField):
    """A moment with its time zone (RFC 3339); without one nobody knows which moment is meant."""

    default_error_messages = {
        "invalid": _("Write a moment with its time zone, for example 2027-05-01T12:00:00Z."),
    }

    def to_internal_value(self, value: Any) -> datetime:
        try:
            if not isinstance(value, str) or not re.fullmatch(MOMENT, value, re.ASCII):
                raise ValueError
            found = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid", format="")
        return found


class TryAgain(Body):
    """What binds a retry."""

    most_micro_usd = Integer(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=10**15,
        help_text=(
            "As `again.most` said it; 0 where `again` is null. Where more would be held by now, or nobody knows how "
            "much any more, nothing is done (409, `price.risen`). Null where nobody knew before: it binds nothing."
        ),
    )
