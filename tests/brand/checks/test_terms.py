"""Prohibited and required terms: what a reader would find, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from image_studio.brand import terms
from image_studio.brand.checks import Subject, prompt_findings
from image_studio.brand.checks.terms import Terms
from image_studio.brand.kit import CheckSetting, Term
from image_studio.imaging.geometry import Box

from .conftest import KIT, text

PICTURE = Image.new("RGB", (400, 300))


@pytest.mark.parametrize(
    ("term", "inside"),
    [
        ("Coca-Cola", "a COCA  cola can"),
        ("coca cola", "c\u043eca-c\u043ela"),  # two Cyrillic letters
        ("caf\u00e9", "CAFE\u0301 noir"),
        ("cafe", "Le Caf\u00e9"),
        ("cheap", "ch\u200bea\u00adp"),  # zero-width space, soft hyphen
        ("cheap", "\uff43\uff48\uff45\uff41\uff50"),  # full width
        ("straße", "STRASSE"),
        ("İstanbul", "istanbul"),
        ("best price", "best\nprice"),
        ("best price", "best\u00a0price"),
        ("apple", "an apple's skin"),
        ("C++", "in c++."),
        ("100%", "now 100% off"),
        ("خمر", "الخَمْر"),  # article and harakat
        ("خمر", "والخمر الفاخر"),  # and + the
        ("مثال", "مـثـال"),  # tatweel
        ("إعلان", "اعلان"),  # alef with and without hamza
        ("भारत", "भारत माता"),
        ("酒", "美酒店"),
        ("ビール", "生ビール"),
        ("шок", "ШОК-цена"),
    ],
)
def test_stands_in(term: str, inside: str) -> None:
    assert terms.stands_in(Term(text=term), inside)


@pytest.mark.parametrize(
    ("term", "outside"),
    [
        ("cheap", "cheaper"),
        ("art", "start party"),
        ("C++", "vitamin c"),
        ("خمر", "مخمور"),
        ("भारत", "भारती"),  # goes on with a vowel sign
        ("が", "か"),  # the voicing mark is a letter
        ("best price", "best of price"),
        ("", "anything"),
        ("\u200b", "anything"),
    ],
)
def test_stands_not_in(term: str, outside: str) -> None:
    assert not terms.stands_in(Term(text=term), outside)


def test_an_allowed_phrase_covers_only_itself() -> None:
    term = Term(text="apple", allow=("Apple juice",))
    assert not terms.stands_in(term, "fresh apple  JUICE")
    assert terms.stands_in(term, "apple juice and an apple")


@pytest.mark.parametrize(
    ("rule", "locale", "holds"),
    [("", "en", True), ("ar", "ar-SA", True), ("ar-SA", "ar", False), ("en", "eng", False), ("pt-BR", "pt-br", True)],
)
def test_a_locale_holds_for_its_regions(rule: str, locale: str, holds: bool) -> None:
    assert terms.speaks(rule, locale) is holds


def with_terms(*found: Term) -> Subject:
    return Subject(kit=replace(KIT, terms=found), locale="en")


def test_passes_with_its_figures(judge) -> None:
    (verdict,) = judge(Terms(), with_terms(Term(text="cheap"), Term(text="free")), prompt="A calm lamp", alt="A lamp")
    assert (verdict.verdict, verdict.code, verdict.score) == ("pass", "terms.clear", 2.0)
    assert verdict.params == {"terms": 2, "texts": 2}


def test_fails_where_the_term_stands_and_marks_its_box(judge) -> None:
    placed = text(Box(40, 30, 200, 60), text="Cheap light", lines=("Cheap light",))
    (verdict,) = judge(Terms(), with_terms(Term(text="cheap")), image=PICTURE, placed=(placed,), prompt="calm")
    assert (verdict.verdict, verdict.code, verdict.params["where"]) == ("fail", "terms.prohibited", "overlay")
    assert verdict.region == (0.1, 0.1, 0.5, 0.2)
    assert verdict.blocks


def test_a_term_for_the_alternative_text_leaves_the_prompt_alone(judge) -> None:
    subject = with_terms(Term(text="image of", where=("alt",)))
    assert judge(Terms(), subject, prompt="an image of a lamp")[0].verdict == "pass"
    assert judge(Terms(), subject, alt="Image of a lamp")[0].params["where"] == "alt"


def test_a_prompt_is_held_to_the_terms_of_every_locale_an_overlay_to_its_own(judge) -> None:
    subject = with_terms(Term(text="gift", locale="de"))
    assert judge(Terms(), subject, prompt="a gift box")[0].verdict == "fail"
    english = text(Box(0, 0, 9, 9), text="A gift", locale="en")
    assert judge(Terms(), subject, image=PICTURE, placed=(english,))[0].verdict == "pass"
    german = replace(english, text="Das Gift", locale="de-AT")
    assert judge(Terms(), subject, image=PICTURE, placed=(german,))[0].verdict == "fail"


def test_a_required_term_must_stand_in_every_place_that_has_a_text(judge) -> None:
    subject = with_terms(Term(text="Aura", kind="required"))
    assert judge(Terms(), subject, prompt="the AURA lamp")[0].verdict == "pass"
    (verdict,) = judge(Terms(), subject, prompt="the Aura lamp", alt="A lamp")
    assert (verdict.verdict, verdict.code, verdict.params["where"]) == ("fail", "terms.required", "alt")


def test_a_term_required_on_the_overlay_is_missed_where_nothing_is_drawn(judge) -> None:
    subject = with_terms(Term(text="Aura", kind="required", where=("overlay",)))
    assert judge(Terms(), subject, image=PICTURE)[0].code == "terms.required"
    assert judge(Terms(), subject)[0].code == "terms.no_text"
    across = (text(Box(0, 0, 9, 9), text="Light"), text(Box(0, 0, 9, 9), name="legal", text="© Aura"))
    assert judge(Terms(), subject, image=PICTURE, placed=across)[0].verdict == "pass"


def test_a_required_term_of_another_locale_is_not_demanded(judge) -> None:
    subject = with_terms(Term(text="Aura", kind="required", locale="ar"))
    assert judge(Terms(), subject, prompt="a lamp")[0].verdict == "pass"
    assert judge(Terms(), subject, prompt="a lamp", locale="ar-EG")[0].verdict == "fail"


def test_warns_where_the_kit_says_so(judge) -> None:
    kit = replace(KIT, terms=(Term(text="cheap"),), checks=(CheckSetting(check="terms", severity="warn"),))
    (verdict,) = judge(Terms(), Subject(kit=kit), prompt="cheap")
    assert (verdict.verdict, verdict.code, verdict.blocks) == ("warn", "terms.prohibited", False)


def test_does_not_run_without_terms_or_text(judge) -> None:
    assert [v.code for v in judge(Terms(), Subject(kit=KIT), prompt="x")] == ["terms.none"]
    (verdict,) = judge(Terms(), with_terms(Term(text="cheap")), prompt="  ")
    assert (verdict.verdict, verdict.code) == ("not_run", "terms.no_text")


# --- before spending -----------------------------------------------------------------------------------


def test_prompt_findings_name_prompt_and_overlay_once_each() -> None:
    kit = replace(KIT, locales=("en", "ar"), terms=(Term(text="cheap"), Term(text="رخيص", locale="ar")))
    found = prompt_findings(kit, "a cheap lamp", {"en": ["Cheap light"], "ar": ["ضوء رخيص", "نور"]})
    assert [(v.verdict, v.params["where"], v.params["term"]) for v in found] == [
        ("fail", "prompt", "cheap"),
        ("fail", "overlay", "cheap"),
        ("fail", "overlay", "رخيص"),
    ]


def test_prompt_findings_are_empty_when_all_is_well() -> None:
    assert prompt_findings(replace(KIT, terms=(Term(text="cheap"),)), "a calm lamp") == ()
    assert prompt_findings(KIT, "anything") == ()


def test_prompt_findings_obey_the_kit() -> None:
    kit = replace(KIT, terms=(Term(text="cheap"),), checks=(CheckSetting(check="terms", severity="off"),))
    assert prompt_findings(kit, "cheap") == ()
