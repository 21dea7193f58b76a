"""Who may do what in a brand: rows of the brand page, by user name or group."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from image_studio.admin.fields import Rows, rows
from image_studio.models import ROLES, Brand, Event
from image_studio.policy import Policy
from image_studio.wording import explain


class MemberForm(forms.Form):
    """A user (typed, because sites have thousands) or a group, and the role."""

    user = forms.CharField(label=_("User name"), required=False, max_length=200)
    group = forms.ModelChoiceField(Group.objects.order_by("name"), label=_("or group"), required=False, empty_label="-")
    role = forms.ChoiceField(label=_("Role"), choices=list(ROLES.items()), initial="viewer")
    own_only = forms.BooleanField(label=_("Own pictures only"), required=False)

    def clean_user(self) -> Any:
        name = self.cleaned_data["user"]
        if not name:
            return None
        manager = get_user_model()._default_manager
        found = manager.filter(**{get_user_model().USERNAME_FIELD: name}).first()
        if found is None:
            raise forms.ValidationError(explain("member.unknown_user", {"name": name}))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "user" in cleaned and "group" in cleaned:
            if cleaned["user"] and cleaned["group"]:
                self.add_error("group", explain("member.both"))
            elif not cleaned["user"] and not cleaned["group"]:
                self.add_error("user", explain("member.nobody"))
        return cleaned


class BaseMemberRows(Rows):
    def clean(self) -> None:
        """A person or group has one role in a brand."""
        seen: set[tuple[Any, Any]] = set()
        for form in self.forms:
            cleaned = getattr(form, "cleaned_data", None)
            if not cleaned or cleaned.get("DELETE"):
                continue
            who = (cleaned.get("user"), cleaned.get("group"))
            if who in seen and any(who):
                form.add_error(None, _("This member stands in two rows."))
            seen.add(who)


MemberRows = rows(MemberForm, spare=2, most=500, base=BaseMemberRows)


def member_rows(brand: Brand | None, data: Any = None) -> Any:
    """The formset over a brand's members."""
    found = brand.memberships.select_related("user", "group").order_by("pk") if brand else ()
    initial = [
        {
            "user": row.user.get_username() if row.user else "",
            "group": row.group_id,
            "role": row.role,
            "own_only": row.own_only,
        }
        for row in found
    ]
    return MemberRows(data, prefix="members", initial=initial)


def save_members(policy: Policy, brand: Brand, formset: Any) -> int:
    """Make the brand's members what the rows say; returns how many rows changed.

    :raises NotAllowed: for anybody who is no brand manager.
    """
    policy.require("edit_members", brand)
    wanted = {_key(form.cleaned_data): form.cleaned_data for form in formset.used()}
    changed: list[str] = []
    with transaction.atomic():
        # A write first: it takes the brand's row, so two managers who save at once come one after the other.
        Brand.objects.filter(pk=brand.pk).update(name=brand.name)
        there = {(row.user_id, row.group_id): row for row in brand.memberships.all()}
        for key, row in there.items():
            if key not in wanted:
                row.delete()
                changed.append(f"-{row.role}")
        for key, cleaned in wanted.items():
            role = {"role": cleaned["role"], "own_only": cleaned["own_only"]}
            old = there.get(key)
            if old is None or any(getattr(old, name) != value for name, value in role.items()):
                user_id, group_id = key
                brand.memberships.update_or_create(user_id=user_id, group_id=group_id, defaults=role)  # type: ignore[misc]
                changed.append(f"+{role['role']}")
        if changed:
            Event.objects.record(policy.actor, "brand.members_changed", brand, changes=changed)
    return len(changed)


def _key(cleaned: dict[str, Any]) -> tuple[Any, Any]:
    return (
        cleaned["user"].pk if cleaned["user"] else None,
        cleaned["group"].pk if cleaned["group"] else None,
    )
