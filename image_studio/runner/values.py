"""One UPDATE with a value of its own for each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection, models
from django.db.models import Case, Value, When
from django.db.models.functions import Cast


def each(model: type[models.Model], column: str, values: Mapping[Any, Any]) -> Any:
    """A value for an UPDATE of rows by their keys: the same for all, or for each its own.

    :param values: primary key -> value, of every row that is to be changed, and at least one.
    """
    field: Any = model._meta.get_field(column)
    first, *others = values.values()
    if all(other == first for other in others):
        return Value(first, output_field=field)
    whens = [When(pk=pk, then=Value(value, output_field=field)) for pk, value in values.items()]
    chosen = Case(*whens, output_field=field)
    # As Django's own bulk_update: PostgreSQL is told the type.
    return Cast(chosen, output_field=field) if connection.features.requires_casted_case_in_updates else chosen
