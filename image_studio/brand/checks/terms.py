"""Prohibited and required terms in the prompt, the overlay and the alternative text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from image_studio.brand import terms
from image_studio.brand.checks.base import Check, Region, Subject, Verdict
from image_studio.brand.parts import Term


@dataclass(frozen=True)
class _Text:
    """A text to judge; ``locale`` empty where it may be of any language, as a prompt may."""

    where: str
    text: str
    locale: str
    region: Region | None = None


@dataclass(frozen=True, kw_only=True)
class Terms(Check):
    """A prohibited term must stand in no text; a required one in every place that it lists and that has a text.

    Score of a pass: the terms that were looked for.
    """

    name: ClassVar[str] = "terms"
    bare: ClassVar[bool] = True
    before_spending: ClassVar[bool] = True

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        if not subject.kit.terms:
            return (self.not_run("terms.none"),)
        texts = list(_texts(subject))
        found = [*self._prohibited(subject, texts), *self._required(subject, texts)]
        if not texts and not found:
            return (self.not_run("terms.no_text"),)
        count = len(subject.kit.terms)
        return tuple(found) or (self.passed("terms.clear", terms=count, texts=len(texts), score=float(count)),)

    def _prohibited(self, subject: Subject, texts: list[_Text]) -> Iterator[Verdict]:
        for text in texts:
            for term in subject.kit.terms:
                if term.kind == "prohibited" and _concerns(term, text) and terms.stands_in(term, text.text):
                    facts = {"term": term.text, "where": text.where, "text": text.text}
                    yield self.failed("terms.prohibited", **facts, region=text.region)

    def _required(self, subject: Subject, texts: list[_Text]) -> Iterator[Verdict]:
        for term in subject.kit.terms:
            if term.kind == "required" and terms.speaks(term.locale, subject.locale):
                for where in _places_to_fill(term, subject, texts):
                    here = "\n".join(text.text for text in texts if text.where == where)
                    if not terms.stands_in(term, here):
                        yield self.failed("terms.required", term=term.text, where=where)


def _texts(subject: Subject) -> Iterator[_Text]:
    if subject.prompt.strip():
        yield _Text("prompt", subject.prompt, "")
    for locale, text in subject.overlays:
        yield _Text("overlay", text, locale)
    for placed in subject.placed:
        if placed.kind == "text":
            yield _Text("overlay", placed.text, placed.locale or subject.locale, subject.region(placed.box))
    if subject.alt.strip():
        yield _Text("alt", subject.alt, subject.locale)


def _concerns(term: Term, text: _Text) -> bool:
    """A prompt is held to the terms of every locale: it speaks for all the pictures made from it."""
    return text.where in term.where and (not text.locale or terms.speaks(term.locale, text.locale))


def _places_to_fill(term: Term, subject: Subject, texts: list[_Text]) -> tuple[str, ...]:
    """Where a required term must stand: the places it lists that have a text. A term for the overlay alone must
    stand on every finished picture: one that carries no text lacks it."""
    filled = {text.where for text in texts}
    if term.where == ("overlay",) and subject.image is not None:
        return term.where
    return tuple(where for where in dict.fromkeys(term.where) if where in filled)
