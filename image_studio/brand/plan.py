"""From a kit to layers: which logo and lines a channel shows in a locale, and which label the truth asks for."""

from __future__ import annotations

from collections.abc import Mapping

from image_studio.brand.kit import LABELS, Font, Kit, KitFiles, Layout, LogoPlacement, TextPlacement
from image_studio.catalog.specs import ChannelSpec
from image_studio.exceptions import InvalidRequest, LayoutImpossible
from image_studio.imaging.layers import FontFile, LogoLayer, LogoVersion, TextLayer

WHITE, NEAR_BLACK = "#ffffff", "#141414"
#: Labels stand on a plate of their own, so that they read on any picture.
LABEL_PLATE = NEAR_BLACK
LABEL_MARGIN = 0.03

#: What a label says where the kit has no line of its own for the locale.
LABEL_WORDS: Mapping[str, Mapping[str, str]] = {
    "label_ai": {
        "en": "AI-generated",
        "ar": "منشأ بالذكاء الاصطناعي",
        "de": "KI-generiert",
        "es": "Generado con IA",
        "fr": "Généré par IA",
        "it": "Generato con IA",
        "nl": "AI-gegenereerd",
        "pl": "Wygenerowano przez AI",
        "pt": "Gerado por IA",
        "tr": "Yapay zekâ ile üretildi",
    },
    "label_composite": {
        "en": "Made with AI",
        "ar": "صنع بمساعدة الذكاء الاصطناعي",
        "de": "Mit KI erstellt",
        "es": "Creado con ayuda de IA",
        "fr": "Créé avec l’IA",
        "it": "Creato con l’IA",
        "nl": "Gemaakt met AI",
        "pl": "Utworzono z użyciem AI",
        "pt": "Feito com IA",
        "tr": "Yapay zekâ ile hazırlandı",
    },
    "label_placeholder": {
        "en": "Placeholder - not for publication",
        "ar": "صورة مؤقتة - ليست للنشر",
        "de": "Platzhalter - nicht zur Veröffentlichung",
        "es": "Imagen provisional - no publicar",
        "fr": "Image provisoire - ne pas publier",
        "it": "Immagine provvisoria - non pubblicare",
        "nl": "Tijdelijk beeld - niet publiceren",
        "pl": "Obraz zastępczy - nie publikować",
        "pt": "Imagem provisória - não publicar",
        "tr": "Geçici görsel - yayımlanmaz",
    },
}

#: What a picture of an IPTC digital source type is once a person's kit has put a logo or a line on it, by tools that
#: generate nothing. Types that stay true are left out. The vocabulary: https://cv.iptc.org/newscodes/digitalsourcetype/
#:
#: - A generated picture with real, exact elements on it is what ``compositeWithTrainedAlgorithmicMedia`` names.
#: - A photograph becomes ``humanEdits`` ("augmentation, correction or enhancement by one or more humans using
#:   non-generative tools"). Not ``composite``: that term leaves open whether an element came from generative AI,
#:   which would put a doubt on a plain photograph.
#: - ``compositeCapture`` promises that every element is a capture of real life; a drawn logo is none, so ``composite``.
#: - A picture drawn by an untrained algorithm with other elements is ``compositeSynthetic``.
_COMPOSED = {
    "trainedAlgorithmicMedia": "compositeWithTrainedAlgorithmicMedia",
    "digitalCapture": "humanEdits",
    "computationalCapture": "humanEdits",
    "negativeFilm": "humanEdits",
    "positiveFilm": "humanEdits",
    "print": "humanEdits",
    "screenCapture": "humanEdits",
    "compositeCapture": "composite",
    "algorithmicMedia": "compositeSynthetic",
}
_LABELS = {
    "trainedAlgorithmicMedia": "label_ai",
    "compositeWithTrainedAlgorithmicMedia": "label_composite",
}


def layers_for(
    kit: Kit,
    files: KitFiles,
    channel: ChannelSpec,
    locale: str,
    *,
    texts: Mapping[str, str] | None = None,
    label: str = "",
) -> tuple[LogoLayer | TextLayer, ...]:
    """Everything that the kit's layout puts on a picture of this channel in this locale.

    :param texts: lines of a variant set by key, instead of the kit's; an empty one leaves an optional line out.
    :param label: of :data:`image_studio.brand.kit.LABELS`, or empty for none; see :func:`label_for`.
    :raises LayoutImpossible: ``layout.line_missing`` (line, locale) for a line that must be there,
        ``layout.logo_missing``.
    :raises InvalidKit: ``kit.file_missing``.
    :raises InvalidRequest: ``label.unknown``.
    """
    layout = kit.layout_for(channel.slug)
    fonts = tuple(_font(font, files) for font in kit.fonts)
    layers: list[LogoLayer | TextLayer] = []
    if layout.logo:
        layers.append(_logo_layer(kit, files, layout.logo))
    for placement in layout.texts:
        text = (texts or {}).get(placement.line, kit.line(placement.line, locale))
        layers += _text_layer(kit, placement, text.strip(), locale, fonts)
    if label:
        layers.append(_label_layer(kit, layout, label, locale, fonts))
    return tuple(layers)


def label_for(source_type: str, *, placeholder: bool) -> str:
    """The label that the truth asks for, or empty: none on a photograph, however it was cropped.

    :param source_type: IPTC digital source type of the raw picture, before composing.
    """
    return "label_placeholder" if placeholder else _LABELS.get(source_type, "")


def composed_source_type(source_type: str, has_layers: bool) -> str:
    """The IPTC digital source type after composing; unchanged where nothing was put on, or it stays true."""
    return _COMPOSED.get(source_type, source_type) if has_layers else source_type


def label_text(kit: Kit, label: str, locale: str) -> str:
    """The words of a label: the kit's for this locale or language, else ours, else the kit's default locale's."""
    language = locale.split("-", maxsplit=1)[0]
    own = {line.locale: line.text for line in kit.lines if line.key == label}
    words = LABEL_WORDS[label]
    return own.get(locale) or own.get(language) or words.get(language) or own.get(kit.default_locale) or words["en"]


def colours_for(kit: Kit, placement: TextPlacement) -> tuple[str, ...]:
    """The candidates for a line: its fixed colour, or the palette's text, background and primary, white and black."""
    if placement.colour != "auto":
        return (kit.colour(placement.colour),)
    ours = [swatch.hex for role in ("text", "background", "primary") for swatch in kit.palette if swatch.role == role]
    return tuple(dict.fromkeys([*ours, WHITE, NEAR_BLACK]))


def _font(font: Font, files: KitFiles) -> FontFile:
    return FontFile(name=font.name, data=files.get(font.sha256), sha256=font.sha256, locales=font.locales)


def _logo_layer(kit: Kit, files: KitFiles, placement: LogoPlacement) -> LogoLayer:
    chosen = [logo for logo in kit.logos if not placement.logos or logo.name in placement.logos]
    if not chosen:
        raise LayoutImpossible("layout.logo_missing", layer="logo")
    versions = tuple(
        LogoVersion(
            name=logo.name,
            data=files.get(logo.sha256),
            sha256=logo.sha256,
            on=logo.on,
            clear_space=logo.clear_space,
            min_width=logo.min_width,
        )
        for logo in chosen
    )
    return LogoLayer(
        name="logo", versions=versions, anchor=placement.anchor, width=placement.width, margin=placement.margin
    )


def _text_layer(
    kit: Kit, placement: TextPlacement, text: str, locale: str, fonts: tuple[FontFile, ...]
) -> list[TextLayer]:
    if not text:
        if placement.optional:
            return []
        raise LayoutImpossible("layout.line_missing", line=placement.line, locale=locale)
    backdrop = placement.backdrop if placement.backdrop in ("none", "scrim") else kit.colour(placement.backdrop)
    return [
        TextLayer(
            name=placement.line,
            text=text,
            locale=locale,
            fonts=fonts,
            anchor=placement.anchor,
            width=placement.width,
            size=placement.size,
            min_size=placement.min_size,
            max_lines=placement.max_lines,
            margin=placement.margin,
            colours=colours_for(kit, placement),
            backdrop=backdrop,
        )
    ]


def _label_layer(kit: Kit, layout: Layout, label: str, locale: str, fonts: tuple[FontFile, ...]) -> TextLayer:
    if label not in LABELS:
        raise InvalidRequest("label.unknown", label=label, known=", ".join(LABELS))
    return TextLayer(
        name=label,
        text=label_text(kit, label, locale),
        locale=locale,
        fonts=fonts,
        anchor=layout.label_anchor,
        width=0.9,
        size=layout.label_size,
        min_size=layout.label_size * 0.8,
        max_lines=2,
        margin=LABEL_MARGIN,
        colours=(WHITE,),
        backdrop=LABEL_PLATE,
    )
