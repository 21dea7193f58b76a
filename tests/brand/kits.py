"""Kits for tests: a full one by hand, and any valid one by Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from image_studio.brand.kit import (
    ANCHORS,
    ROLES,
    CheckSetting,
    Font,
    Kit,
    Layout,
    Line,
    Logo,
    LogoPlacement,
    Swatch,
    Term,
    TextPlacement,
)

AURA = Kit(
    name="Aura",
    slug="aura",
    default_locale="en",
    locales=("en", "ar"),
    voice="Warm.\nShort.",
    palette=(Swatch(name="Night", hex="#0b3d91"), Swatch(name="Sun", hex="#f2a900", role="accent", tolerance=8)),
    logos=(Logo(name="Aura", file="logos/aura.png", on="light"),),
    fonts=(Font(name="Aura Sans", file="fonts/aura.ttf", locales=("en",)),),
    terms=(Term(text="cheap", allow=("cheap thrills",)), Term(text="Aura", kind="required", where=("alt",))),
    lines=(Line(key="headline", locale="en", text="Light, kept"), Line(key="headline", locale="ar", text="ضوء يبقى")),
    layouts=(
        Layout(
            logo=LogoPlacement(logos=("Aura",)), texts=(TextPlacement(line="headline"), TextPlacement(line="legal"))
        ),
        Layout(channel="story"),
    ),
    checks=(CheckSetting(check="palette", severity="warn", options={"warn": 0.3}),),
)

_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: text.strip())
_prose = st.text(st.characters(codec="utf-8"), max_size=40)
_hexes = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
_locales = st.sampled_from(["en", "ar", "de", "pt-BR", "zh-Hant", "fr-CA"])
_sums = st.sampled_from(["", "ab" * 32])


def _number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(float)


def _tuple(items: st.SearchStrategy, **rest) -> st.SearchStrategy[tuple]:
    return st.lists(items, max_size=3, **rest).map(tuple)


def _files(folder: str, ending: str) -> st.SearchStrategy[str]:
    return st.from_regex(r"[a-z][a-z0-9 _\-]{0,8}[a-z0-9]", fullmatch=True).map(lambda n: f"{folder}/{n}.{ending}")


_swatches = st.builds(Swatch, name=_words, hex=_hexes, role=st.sampled_from(ROLES), tolerance=_number(0, 100))
_logos = st.builds(
    Logo,
    name=_words,
    file=_files("logos", "png"),
    sha256=_sums,
    on=st.sampled_from(["light", "dark", "any"]),
    clear_space=_number(0, 4),
    min_width=st.integers(1, 4096),
)
_fonts = st.builds(Font, name=_words, file=_files("fonts", "ttf"), sha256=_sums, locales=_tuple(_locales))
_terms = st.builds(
    Term,
    text=_words,
    kind=st.sampled_from(["prohibited", "required"]),
    locale=st.just("") | _locales,
    allow=_tuple(_words),
    where=_tuple(st.sampled_from(["prompt", "overlay", "alt"])),
)
_options = st.dictionaries(
    _words, st.booleans() | st.integers(-(2**53), 2**53) | _number(-1e9, 1e9) | _prose, max_size=3
)
_settings = st.builds(
    CheckSetting,
    check=_words,
    severity=st.sampled_from(["fail", "warn", "off"]),
    blocks=st.booleans(),
    options=_options,
)


def _texts(colours: list[str]) -> st.SearchStrategy[TextPlacement]:
    return st.builds(
        TextPlacement,
        line=_words,
        anchor=st.sampled_from(ANCHORS),
        width=_number(0.05, 1),
        size=_number(0.3, 0.6),
        min_size=_number(0.005, 0.3),
        max_lines=st.integers(1, 20),
        margin=_number(0, 0.45),
        colour=st.sampled_from(["auto", "#123456", *colours]),
        backdrop=st.sampled_from(["none", "scrim", "#ABCDEF", *colours]),
        optional=st.booleans(),
    )


def _layouts(colours: list[str], logos: list[str]) -> st.SearchStrategy[Layout]:
    placements = st.builds(
        LogoPlacement,
        anchor=st.sampled_from(ANCHORS),
        width=_number(0.01, 1),
        margin=_number(0, 0.45),
        logos=_tuple(st.sampled_from(logos)) if logos else st.just(()),
    )
    return st.builds(
        Layout,
        channel=st.just("*") | _words,
        logo=st.none() | placements,
        texts=_tuple(_texts(colours)),
        label_anchor=st.sampled_from(ANCHORS),
        label_size=_number(0.005, 0.2),
    )


@st.composite
def kits(draw: st.DrawFn) -> Kit:
    """Any kit that holds together."""
    locales = draw(st.lists(_locales, min_size=1, max_size=3, unique=True))
    palette = draw(_tuple(_swatches, unique_by=lambda s: s.name))
    logos = draw(_tuple(_logos, unique_by=lambda item: item.name))
    lines = st.builds(Line, key=_words, locale=st.sampled_from(locales), text=_prose)
    layouts = _layouts([s.name for s in palette], [item.name for item in logos])
    return Kit(
        name=draw(_words),
        slug=draw(st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?", fullmatch=True)),
        default_locale=draw(st.sampled_from(locales)),
        locales=tuple(locales),
        voice=draw(_prose),
        guidance=draw(_prose),
        palette=palette,
        logos=logos,
        fonts=draw(_tuple(_fonts, unique_by=lambda item: item.name)),
        terms=draw(_tuple(_terms)),
        lines=draw(_tuple(lines, unique_by=lambda item: f"{item.key} ({item.locale})")),
        layouts=draw(_tuple(layouts, unique_by=lambda item: item.channel)),
        checks=draw(_tuple(_settings, unique_by=lambda item: item.check)),
    )
