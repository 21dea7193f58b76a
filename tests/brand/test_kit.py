"""The kit as a value: what holds, what is refused and where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from image_studio.brand.kit import CheckSetting, Kit, KitFiles, Layout, LogoPlacement, Swatch
from image_studio.brand.rules import safe_name
from image_studio.exceptions import InvalidKit
from image_studio.wording import explain_error

from .kits import AURA, kits


def refused(plain: dict[str, Any]) -> InvalidKit:
    with pytest.raises(InvalidKit) as caught:
        Kit.from_dict(plain)
    assert "{" not in explain_error(caught.value)
    return caught.value


def changed(path: str, value: Any) -> dict[str, Any]:
    """The full kit as plain values with one of them replaced: ``palette.0.hex``."""
    plain = AURA.to_dict()
    *way, last = path.split(".")
    spot: Any = plain
    for step in way:
        spot = spot[int(step)] if step.isdigit() else spot[step]
    spot[last] = value
    return plain


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kits())
def test_plain_values_lead_back(kit: Kit) -> None:
    assert Kit.from_dict(kit.to_dict()) == kit
    assert Kit.from_dict(kit.to_dict()).digest == kit.digest


@pytest.mark.parametrize(
    ("path", "value", "code", "place"),
    [
        ("slug", "Not A Slug", "kit.bad_slug", "brand.slug"),
        ("slug", "aura\n", "kit.bad_slug", "brand.slug"),
        ("name", "  ", "kit.missing_key", "brand"),
        ("locales", ["en", "english!"], "kit.bad_locale", "brand.locales"),
        ("locales", ["en", "ar", "en"], "kit.twice", "brand.locales[2]"),
        ("default_locale", "de", "kit.other_locale", "brand.default_locale"),
        ("palette", {}, "kit.wrong_type", "brand.palette"),
        ("palette", ["#000000"], "kit.not_a_table", "brand.palette[0]"),
        ("palette.0.hex", "#fff", "kit.bad_colour", "brand.palette[0].hex"),
        ("palette.0.hex", "#0b3d91\n", "kit.bad_colour", "brand.palette[0].hex"),
        ("palette.1.role", "hero", "kit.bad_choice", "brand.palette[1].role"),
        ("palette.1.tolerance", 101, "kit.out_of_range", "brand.palette[1].tolerance"),
        ("palette.1.tolerance", float("nan"), "kit.out_of_range", "brand.palette[1].tolerance"),
        ("palette.1.tolerance", "5", "kit.wrong_type", "brand.palette[1].tolerance"),
        ("palette.1.tolerance", True, "kit.wrong_type", "brand.palette[1].tolerance"),
        ("palette.1.name", "Night", "kit.twice", "brand.palette[1]"),
        ("palette.1.name", "", "kit.missing_key", "brand.palette[1]"),
        ("logos.0.file", "../aura.png", "kit.bad_file", "brand.logos[0].file"),
        ("logos.0.file", "", "kit.bad_file", "brand.logos[0].file"),
        ("logos.0.on", "grey", "kit.bad_choice", "brand.logos[0].on"),
        ("logos.0.clear_space", 5, "kit.out_of_range", "brand.logos[0].clear_space"),
        ("logos.0.min_width", 0, "kit.out_of_range", "brand.logos[0].min_width"),
        ("logos.0.min_width", 7.5, "kit.wrong_type", "brand.logos[0].min_width"),
        ("fonts.0.file", "/etc/passwd", "kit.bad_file", "brand.fonts[0].file"),
        ("fonts.0.locales", "en", "kit.wrong_type", "brand.fonts[0].locales"),
        ("terms.0.text", " ", "kit.missing_key", "brand.terms[0]"),
        ("terms.0.kind", "banned", "kit.bad_choice", "brand.terms[0].kind"),
        ("terms.0.where", ["caption"], "kit.bad_choice", "brand.terms[0].where"),
        ("terms.0.locale", "??", "kit.bad_locale", "brand.terms[0].locale"),
        ("lines.0.locale", "de", "kit.other_locale", "brand.lines[0].locale"),
        ("lines.1.locale", "en", "kit.twice", "brand.lines[1]"),
        ("lines.0.key", "", "kit.missing_key", "brand.lines[0]"),
        ("layouts.1.channel", "*", "kit.twice", "brand.layouts[1]"),
        ("layouts.0.label_anchor", "middle", "kit.bad_choice", "brand.layouts[0].label_anchor"),
        ("layouts.0.label_size", 0.3, "kit.out_of_range", "brand.layouts[0].label_size"),
        ("layouts.0.logo", [], "kit.not_a_table", "brand.layouts[0].logo"),
        ("layouts.0.logo.width", 0, "kit.out_of_range", "brand.layouts[0].logo.width"),
        ("layouts.0.logo.margin", 0.5, "kit.out_of_range", "brand.layouts[0].logo.margin"),
        ("layouts.0.logo.logos", ["Other"], "kit.unknown_name", "brand.layouts[0].logo.logos"),
        ("layouts.0.texts.0.size", 0.01, "kit.out_of_range", "brand.layouts[0].texts[0].min_size"),
        ("layouts.0.texts.1.max_lines", 0, "kit.out_of_range", "brand.layouts[0].texts[1].max_lines"),
        ("layouts.0.texts.1.colour", "Mauve", "kit.unknown_name", "brand.layouts[0].texts[1].colour"),
        ("layouts.0.texts.1.backdrop", "blur", "kit.unknown_name", "brand.layouts[0].texts[1].backdrop"),
        ("layouts.0.texts.1.optional", 1, "kit.wrong_type", "brand.layouts[0].texts[1].optional"),
        ("checks.0.severity", "ignore", "kit.bad_choice", "brand.checks[0].severity"),
        ("checks.0.options", [], "kit.not_a_table", "brand.checks[0].options"),
        ("checks.0.options.warn", [1], "kit.wrong_type", "brand.checks[0].options.warn"),
    ],
)
def test_what_does_not_hold_is_refused_at_its_place(path: str, value: Any, code: str, place: str) -> None:
    error = refused(changed(path, value))
    assert (error.code, error.params["place"]) == (code, place)


def test_an_unknown_key_lists_the_known_ones() -> None:
    error = refused({**AURA.to_dict(), "palete": []})
    assert (error.code, error.params["key"]) == ("kit.unknown_key", "palete")
    assert "palette" in error.params["known"]


def test_a_missing_key_is_named() -> None:
    error = refused({"name": "Aura"})
    assert (error.code, error.params["key"]) == ("kit.missing_key", "slug")
    error = refused({"name": "Aura", "slug": "aura", "palette": [{"name": "Night"}]})
    assert (error.params["place"], error.params["key"]) == ("brand.palette[0]", "hex")


def test_a_list_is_no_kit() -> None:
    with pytest.raises(InvalidKit) as caught:
        Kit.from_dict([])  # type: ignore[arg-type]
    assert caught.value.code == "kit.not_a_table"


def test_the_first_problem_says_how_many_more_there_are() -> None:
    plain = AURA.to_dict()
    plain["palette"][0]["hex"] = plain["palette"][1]["hex"] = "red"
    assert refused(plain).params["more"] == 1


def test_too_many_swatches_are_refused() -> None:
    plain = replace(AURA, palette=tuple(Swatch(name=f"s{i}", hex="#000000") for i in range(61))).to_dict()
    assert refused(plain).code == "kit.too_many"


def test_colours_are_kept_in_small_letters() -> None:
    assert Swatch(name="Night", hex="#0B3D91").hex == "#0b3d91"
    assert Kit.from_dict(changed("palette.0.hex", "#AABBCC")).palette[0].hex == "#aabbcc"


def test_equal_kits_have_equal_digests_and_others_do_not() -> None:
    assert Kit.from_dict(AURA.to_dict()).digest == AURA.digest
    assert replace(AURA, voice="Loud.").digest != AURA.digest


def test_lines_fall_back_to_language_and_default() -> None:
    assert AURA.line("headline", "ar") == "ضوء يبقى"
    assert AURA.line("headline", "ar-EG") == "ضوء يبقى"
    assert AURA.line("headline", "fr") == "Light, kept"
    assert AURA.line("legal", "en") == ""


def test_layouts_fall_back_to_the_star() -> None:
    assert AURA.layout_for("story").channel == "story"
    assert AURA.layout_for("square").logo == LogoPlacement(logos=("Aura",))
    assert Kit(name="A", slug="a").layout_for("square") == Layout()


def test_colours_by_name_or_hex() -> None:
    assert AURA.colour("Sun") == "#f2a900"
    assert AURA.colour("#FFEEDD") == "#ffeedd"
    assert AURA.colour("Mauve") == ""


def test_a_check_without_a_setting_fails_and_blocks() -> None:
    assert AURA.check("palette").severity == "warn"
    assert AURA.check("contrast") == CheckSetting(check="contrast", severity="fail", blocks=True)


def test_files_by_their_sums() -> None:
    kit = replace(AURA, logos=(replace(AURA.logos[0], sha256="aa"),))
    assert kit.file_sums == {"aa"}
    assert KitFiles(by_sum={"aa": b"x"}).get("aa") == b"x"
    with pytest.raises(InvalidKit) as caught:
        KitFiles().get("a" * 64)
    assert (caught.value.code, caught.value.params) == ("kit.file_missing", {"sha256": "a" * 12})


@pytest.mark.parametrize("name", ["logos/aura.png", "aura.png", "a/b/c.d.png", "logos/Aura light.png", "شعار.png"])
def test_safe_names(name: str) -> None:
    assert safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../a",
        "a/../b",
        "/a",
        "a//b",
        "a/",
        "a\\b",
        "C:a",
        "a\0b",
        "a\nb",
        "a /b",
        "a./b",
        "x" * 201,
        "./a",
    ],
)
def test_unsafe_names(name: str) -> None:
    assert not safe_name(name)
