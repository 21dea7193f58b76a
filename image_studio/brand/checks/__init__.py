"""The brand checks: one per file, listed by dotted path, never registered."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from importlib import import_module
from typing import Any

from image_studio.brand.checks.base import Check, InvalidCheck, Subject, Verdict
from image_studio.brand.kit import CheckSetting, Kit

__all__ = [
    "DEFAULT_CHECKS",
    "MODERATION",
    "Check",
    "Entry",
    "InvalidCheck",
    "Subject",
    "Verdict",
    "load",
    "prompt_findings",
    "run_checks",
    "validate_settings",
    "with_moderation",
]

Entry = str | tuple[str, Mapping[str, Any]]

DEFAULT_CHECKS: tuple[str, ...] = (
    "image_studio.brand.checks.terms.Terms",
    "image_studio.brand.checks.lines.Lines",
    "image_studio.brand.checks.file.File",
    "image_studio.brand.checks.contrast.Contrast",
    "image_studio.brand.checks.palette.Palette",
    "image_studio.brand.checks.logo.LogoGeometry",
    "image_studio.brand.checks.safe_area.SafeArea",
    "image_studio.brand.checks.drift.Drift",
)

#: Not among the default ones: a site that has MODERATION set has it, whether it lists it or not.
MODERATION = "image_studio.brand.checks.moderation.Moderation"

_log = logging.getLogger("image_studio.checks")


def with_moderation(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries, and the check of moderation after them where none of them is it."""
    paths = {entry if isinstance(entry, str) else entry[0] for entry in entries}
    return tuple(entries) if MODERATION in paths else (*entries, MODERATION)


def load(entries: Sequence[Entry]) -> tuple[Check, ...]:
    """Checks from dotted paths or ``(path, options)``, in order.

    :raises InvalidCheck: for a path that leads to no check, an unknown option or one of a wrong type.
    """
    return tuple(_load(entry) for entry in entries)


def run_checks(checks: Sequence[Check], subject: Subject) -> tuple[Verdict, ...]:
    """Every verdict on a subject, as the kit's settings count it.

    A check that is off, or that breaks, answers ``not_run``: silence would read as a pass.
    """
    return tuple(verdict for check in checks for verdict in _run(check, subject))


def prompt_findings(
    kit: Kit,
    prompt: str,
    overlays: Mapping[str, Sequence[str]] | None = None,
    checks: Sequence[Check] | None = None,
) -> tuple[Verdict, ...]:
    """What can be said against a prompt and its overlay texts before anything is spent.

    :param overlays: the texts to be drawn, by locale.
    :return: what warned, failed or could not run, each once; empty when all is well.
    """
    ready = [check for check in (load(DEFAULT_CHECKS) if checks is None else checks) if check.before_spending]
    found: list[Verdict] = []
    for locale, texts in (overlays or {kit.default_locale: ()}).items():
        drawn = tuple((locale, text) for text in texts)
        verdicts = run_checks(ready, Subject(kit=kit, prompt=prompt, locale=locale, overlays=drawn))
        found += [v for v in verdicts if v.verdict in ("warn", "fail") or v.code == "check.crashed"]
    return tuple(v for i, v in enumerate(found) if v not in found[:i])


def validate_settings(kit: Kit, checks: Sequence[Check]) -> None:
    """Hold a kit's check settings against the checks of the site.

    :raises InvalidCheck: naming the first check that is not there, or the option that it does not take.
    """
    known = {check.name: check for check in checks}
    for setting in kit.checks:
        if setting.check not in known:
            raise InvalidCheck("check.unknown", check=setting.check, known=", ".join(known))
        _with_options(known[setting.check], setting.options)


def _load(entry: Entry) -> Check:
    path, options = (entry, {}) if isinstance(entry, str) else entry
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidCheck("check.not_found", path=path, detail=str(error)) from error
    if not (isinstance(found, type) and issubclass(found, Check)):
        raise InvalidCheck("check.not_found", path=path, detail="not a Check class")
    return _with_options(found(), options)


def _with_options(check: Check, options: Mapping[str, Any]) -> Check:
    known = {f.name: getattr(check, f.name) for f in fields(check)}
    for key, value in options.items():
        if key not in known:
            named = ", ".join(sorted(known)) or "-"
            raise InvalidCheck("check.unknown_option", check=check.name, option=key, known=named)
        if not _fits(value, known[key]):
            raise InvalidCheck(
                "check.bad_option", check=check.name, option=key, value=repr(value), wanted=type(known[key]).__name__
            )
    return replace(check, **options) if options else check


def _fits(value: Any, default: Any) -> bool:
    """Whether an option has its default's type; a whole number is a number, but true is not."""
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)


def _run(check: Check, subject: Subject) -> tuple[Verdict, ...]:
    setting = subject.kit.check(check.name)
    if setting.severity == "off":
        return (check.not_run("check.off"),)
    try:
        verdicts = _with_options(check, setting.options).run(subject)
    except InvalidCheck as error:
        return (check.not_run(error.code, **error.params),)
    except Exception:  # noqa: BLE001 - a broken rule of one site must cost neither the picture nor the other verdicts
        _log.exception("check crashed", extra={"action": "check.crashed", "check": check.name})
        return (check.not_run("check.crashed"),)
    return tuple(_counted(verdict, setting) for verdict in verdicts)


def _counted(verdict: Verdict, setting: CheckSetting) -> Verdict:
    if verdict.verdict != "fail":
        return verdict
    if setting.severity == "warn":
        return replace(verdict, verdict="warn")
    return replace(verdict, blocks=setting.blocks)
