"""Words of what providers refuse and how a call ends."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "provider.mask": _(
        "{model} can't change a masked part of a picture. Choose a route that edits, or take the mask away."
    ),
    "provider.instruction": _(
        "{model} only crops and extends; it can't follow an instruction. Empty the prompt, or take another route."
    ),
    "provider.reference": _("{model} can't use reference pictures. Take them away, or choose another route."),
    "provider.needs_source": _("{model} needs a picture to start from. Choose one."),
    "provider.takes_no_source": _("{model} starts from nothing. Take the picture away, or choose Reframe."),
    "provider.one_source": _("{model} takes one picture, not {count}. Choose the one to start from."),
    "provider.focal": _("The focal point ({x}, {y}) lies outside the picture. Both parts go from 0 to 1."),
    "provider.size": _(
        "{width} x {height} pixels can't be made: an edge goes from {least} to {most} pixels. Choose another size."
    ),
    "provider.pixels": _("{width} x {height} is more than {most} pixels in all. Choose a smaller size."),
    "provider.count": _("{count} pictures can't be asked for at once; 1 to {most} can."),
    "provider.partials": _("{count} early versions can't be sent; 0 to {most} can."),
    "provider.choice": _("{value} is no choice for {option}. Choose one of: {known}."),
    "provider.transparent": _("{model} can't make a transparent background. Choose auto or opaque."),
    "provider.transparent_jpeg": _("JPEG has no transparency. Choose PNG or WebP, or an opaque background."),
    "provider.compression": _("Compression goes from 0 to 100, not {value}."),
    "provider.compression_png": _(
        "PNG is never compressed with loss. Leave compression empty, or choose JPEG or WebP."
    ),
    "provider.colour": _("{colour} is no colour. Write it as #rrggbb."),
    "provider.extra": _("This provider has no option {unknown}. It has: {known}."),
    "provider.take": _("{value} is no take. Takes are whole numbers from 0 to {most}."),
    "provider.source_broken": _(
        "The picture to start from ({name}) can't be read ({reason}). Upload it again from the original."
    ),
    "provider.deadline": _("It took longer than {seconds} seconds. Nothing was charged: it is tried again."),
}
