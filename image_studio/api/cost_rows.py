"""What something cost, as JSON. Integer micro-USD (1 USD = 1,000,000)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from image_studio.workflow.costs import Cost


class CostRow(serializers.Serializer):
    """What something cost, by the ledger. Millionths of a US dollar."""

    spent = serializers.IntegerField()
    held = serializers.IntegerField(help_text="Still held for it: it may cost as much more.")
    pictures = serializers.IntegerField(help_text="That were bought.")
    calls = serializers.IntegerField(help_text="Whose bill is known.")
    approved = serializers.IntegerField(
        help_text="Approved pictures that it bought, each once. A cell taken from an edit history counts there."
    )
    per_picture = serializers.IntegerField(allow_null=True, help_text="Rounded up; null where none was bought.")
    per_approved = serializers.IntegerField(
        allow_null=True, help_text="Everything that was spent, over what was good enough; null where nothing was."
    )


def cost_row(cost: Cost) -> dict[str, Any]:
    """:class:`CostRow` of a cost."""
    return {name: getattr(cost, name) for name in CostRow().fields}
