"""Words and rights that a picture has from the one it was made from, and those that somebody wrote on it since.

A composed picture is made anew with every new headline. What it inherits it inherits again; what an editor wrote on
its predecessor is carried over, and told apart by what the predecessor had inherited, which its recipe keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from image_studio.models import Asset
from image_studio.runner.answers import plain

#: What is true of a picture stays true of what is made from it.
NAMES = ("title", "alt", "tags", "rights_owner", "licence", "territory", "expires_at")


@dataclass(frozen=True, kw_only=True)
class Former:
    """The picture that a cell showed before.

    :param said: its words and rights, by field.
    :param inherited: what it had of its parent when it was composed, as JSON keeps it; None where nobody wrote it down.
    """

    said: Mapping[str, Any]
    inherited: Mapping[str, Any] | None = None


def said(asset: Asset) -> dict[str, Any]:
    """A picture's words and rights."""
    return {name: getattr(asset, name) for name in NAMES}


def inherit(asset: Asset, parent: Asset | None, references: Iterable[Asset] = ()) -> None:
    """Words and rights of the picture that another was made from; where it has none, the other's own stand.

    :param references: what else it was made from: it may be used no longer than any of them.
    """
    for name, value in said(parent).items() if parent else ():
        setattr(asset, name, value or getattr(asset, name))
    ends = [one.expires_at for one in (asset, *references) if one.expires_at]
    asset.expires_at = min(ends, default=None)


def words_for(parent: Asset, former: Former | None) -> dict[str, Any]:
    """The words and rights of a composed picture: its parent's, and over them what was written on its predecessor."""
    now = said(parent)
    if former is None:
        return now
    then = plain(now) if former.inherited is None else former.inherited
    return {name: _kept(former.said[name], then.get(name), value) for name, value in now.items()}


def _kept(was: Any, then: Any, now: Any) -> Any:
    """``was`` where somebody changed it from ``then``, else ``now``; words by locale one by one."""
    if isinstance(now, dict) and isinstance(was, dict):
        then = then if isinstance(then, dict) else {}
        merged = {key: _kept(was.get(key), then.get(key), now.get(key)) for key in dict.fromkeys((*now, *was))}
        return {key: value for key, value in merged.items() if value}
    return now if plain({"": was})[""] == then else was
