"""Words for what the composer and the plan of layers refuse."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "kit.bad_font": _(
        "The font “{name}” can't be read. Upload a TrueType or OpenType file (.ttf, .otf, .ttc), freshly exported."
    ),
    "kit.bad_logo": _(
        "The logo “{name}” can't be read, or nothing in it is visible. Upload a PNG or WebP that shows the logo."
    ),
    "label.unknown": _("There is no label “{label}”. Choose one of: {known}."),
    "layout.line_missing": _(
        "The line “{line}” has no text for {locale}, and the layout demands one. "
        "Add it to the kit's lines, or make it optional."
    ),
    "layout.logo_does_not_fit": _(
        "The logo “{version}” doesn't fit on {canvas} at its smallest width of {minimum} pixels with its clear space. "
        "Use a smaller margin, another version of the logo, or a layout without it for this channel."
    ),
    "layout.logo_master_small": _(
        "The logo “{version}” is only {width} pixels wide, and the kit never draws it smaller than {minimum}. "
        "Upload a larger file, or lower the smallest width."
    ),
    "layout.logo_missing": _("The layout demands a logo, but the kit has none for it. Add one, or change the layout."),
    "layout.logos_meet": _(
        "The logos “{layer}” and “{other}” come too close to each other. Give them anchors further apart."
    ),
    "layout.text_does_not_fit": _(
        "“{text}” ({layer}, {locale}) doesn't fit on {canvas} in {max_lines} lines of at most {width} pixels, "
        "even at its smallest size of {minimum} pixels. "
        "Shorten it, say where it may break, or allow it more lines, width or a smaller size."
    ),
    "text.cannot_shape": _(
        "This server can't set {characters} ({layer}, {locale}) correctly. "
        "Install the system library FriBiDi, which Pillow needs for this script."
    ),
    "text.missing_glyphs": _(
        "No font has the characters {characters} of the line {layer} ({locale}). Tried: {fonts}. "
        "Add a font that has them to the kit, or change the text."
    ),
}
