"""Words for what can be wrong with a brand kit, and for what its checks say."""

from django.utils.translation import gettext_lazy as _

_KIT = {
    "kit.bad_choice": _("{place}: “{value}” is not known. Use one of: {known}."),
    "kit.bad_colour": _("{place}: “{value}” is not a colour. Write it as #rrggbb, for example #0b3d91."),
    "kit.bad_file": _(
        "{place}: “{value}” is not a file name below the kit's folder. Use a name such as logos/aura.png, "
        "without “..”, drive or leading slash."
    ),
    "kit.bad_font": _("“{name}” cannot be opened as a font. Use a TrueType or OpenType file."),
    "kit.bad_locale": _("{place}: “{value}” is not a locale. Write it like en, ar or pt-BR."),
    "kit.bad_logo": _(
        "“{name}” cannot be used as a logo: it is no picture that can be read, or shows nothing. Save it again as a "
        "PNG or WebP picture with transparency."
    ),
    "kit.bad_slug": _("{place}: “{value}” is not a slug. Use small letters, digits and hyphens, 64 at most."),
    "kit.broken_toml": _(
        "brand.toml cannot be read: line {line}, column {column}: {detail}. Mend that line and try again."
    ),
    "kit.file_missing": _(
        "A logo or font of the kit (SHA-256 {sha256}…) is not stored. Upload it again, or import the kit's folder."
    ),
    "kit.file_too_large": _("“{file}” is larger than {limit} bytes. Use a smaller file."),
    "kit.linked_file": _("“{file}” is a link, or lies in a linked folder. Put the file itself into the kit's folder."),
    "kit.logo_format": _(
        "“{file}” is a {format} picture, which has no transparency. Save the logo as one of: {known}."
    ),
    "kit.missing_key": _("{place}: “{key}” is missing. Add it."),
    "kit.no_such_file": _("“{file}” is not in the kit's folder. Add the file, or take its entry out of brand.toml."),
    "kit.not_a_table": _("{place}: a table of keys and values is expected here."),
    "kit.other_file": _(
        "“{file}” is not the file that brand.toml names (expected {sha256}…, found {found}…). Restore the file, or "
        "take its sha256 line out."
    ),
    "kit.other_locale": _(
        "{place}: “{value}” is not a locale of this brand ({known}). Add it to the locales, or change it."
    ),
    "kit.out_of_range": _("{place}: {value} is out of range. Use a number from {low} to {high}."),
    "kit.too_many": _("{place}: {count} entries are too many. Keep at most {most}."),
    "kit.twice": _("{place}: “{value}” is there twice. Rename one of the two, or remove it."),
    "kit.unknown_key": _("{place}: “{key}” is not known. Known keys: {known}."),
    "kit.unknown_name": _("{place}: “{value}” is not defined in this kit. Defined: {known}."),
    "kit.unreadable_file": _("“{file}” cannot be read: {detail}. Check its permissions."),
    "kit.wrong_type": _("{place}: {wanted} is expected here."),
}

_CHECK = {
    "check.bad_option": _("The check “{check}” takes no {value} for “{option}”. Give a value of type {wanted}."),
    "check.crashed": _("The check broke and says nothing about this picture. Its traceback is in the log."),
    "check.no_channel": _("Not checked: no channel is chosen."),
    "check.no_image": _("Not checked: there is no picture yet."),
    "check.not_found": _("The check “{path}” cannot be loaded: {detail}. Mend the path in the settings."),
    "check.off": _("This check is turned off for the brand."),
    "check.unknown": _("There is no check “{check}”. This site has: {known}."),
    "check.unknown_option": _("The check “{check}” has no option “{option}”. It has: {known}."),
}

_TERMS = {
    "terms.clear": _(
        "{terms} terms looked for in {texts} texts: no prohibited one is there, no required one is missing."
    ),
    "terms.no_text": _("Not checked: there is no text."),
    "terms.none": _("Not checked: the brand lists no terms."),
    "terms.prohibited": _("“{term}” is prohibited and stands in the {where}: “{text}”. Use other words."),
    "terms.required": _("“{term}” must stand in the {where} and does not. Add it."),
}

_LINES = {
    "label.missing": _("The source type {source} demands a label and none was drawn. Draw “{label}”."),
    "label.none_needed": _("No label is needed: the source type is {source}."),
    "label.source_unknown": _("Not checked: the source type is unknown, so nobody can say which label is true."),
    "label.true": _("The label “{label}” is drawn and true for {source}."),
    "label.untrue": _("The label “{label}” is not true for {source}. Compose it again without."),
    "line.altered": _("“{line}” was drawn as “{drawn}”, but reads “{text}”. Compose it again."),
    "line.cut_off": _("“{line}” runs over the edge of the picture. Shorten the text or change the layout."),
    "line.drawn": _("“{line}” is drawn exactly, in {font} at {size} px: “{text}”."),
    "line.missing": _("The layout demands “{line}” and it was not drawn. Give the brand a text for {locale}."),
    "line.too_small": _("“{line}” is set at {size} px, less than the {minimum} px that it needs. Shorten the text."),
}

_FILE = {
    "file.band": _("A flat band of {colour} takes {percent} % of the picture along one edge. Crop it, or fill it."),
    "file.blank": _("The picture is blank. Make it again."),
    "file.blank_ground": _("The picture under the overlay is blank. Make it again if that is not meant."),
    "file.enlarged": _(
        "The picture was enlarged {factor} times to fill the canvas and may look soft. Use a larger one."
    ),
    "file.format": _("The format is {format}, as the channel allows."),
    "file.format_unknown": _("Format not checked: the file is not written yet."),
    "file.no_bands": _("No flat band wider than {percent} % along an edge."),
    "file.not_blank": _("The picture is not blank (deviation {deviation})."),
    "file.not_enlarged": _("The picture was not enlarged."),
    "file.other_format": _("The format is {format}; the channel takes {allowed}. Deliver one of these."),
    "file.other_ratio": _(
        "The picture is {width} x {height} px, of another ratio than {channel} ({wanted} px). Reframe it."
    ),
    "file.other_size": _("The picture is {width} x {height} px; {channel} wants {wanted} px. Resize it."),
    "file.size": _("The picture is {width} x {height} px, exactly as {channel} wants it."),
    "file.too_heavy": _(
        "The file has {bytes} bytes; the channel takes {limit}. Lower the quality or change the format."
    ),
    "file.weight": _("The file has {bytes} bytes; the channel takes {limit}."),
    "file.weight_free": _("The file has {bytes} bytes; the channel sets no limit."),
    "file.weight_unknown": _("Weight not checked: the file is not written yet."),
}

_PICTURE = {
    "contrast.enough": _("“{layer}” has a contrast of {ratio} : 1; it needs {needed} : 1."),
    "contrast.low": _(
        "“{layer}” has a contrast of only {ratio} : 1 at its worst; it needs {needed} : 1. Move it, change its colour, "
        "or put a backdrop under it."
    ),
    "contrast.no_ground": _("Not checked: the picture without its overlay is not at hand."),
    "contrast.nothing_placed": _("Not checked: there is no text and no logo on the picture."),
    "contrast.off_canvas": _("“{layer}” was not checked: it lies off the picture."),
    "logo.at_the_edge": _(
        "The clear space of the logo “{name}” runs over the edge of the picture. Give it more margin."
    ),
    "logo.crowded": _("“{by}” stands in the clear space of the logo “{name}”. Move one of the two."),
    "logo.missing": _("The layout demands a logo and there is none. Add one to the kit and compose it again."),
    "logo.none_demanded": _("Not checked: the layout demands no logo."),
    "logo.other_file": _("The logo “{name}” is not one of the kit's files. Compose it again."),
    "logo.narrower": _(
        "The logo “{name}” takes {percent} % of the width; the layout says {wanted} %. Use a larger file "
        "or give it room."
    ),
    "logo.placed": _("The logo “{name}” is {width} px wide ({percent} % of the picture), with its clear space free."),
    "logo.too_small": _(
        "The logo “{name}” is {width} px wide; it may not be smaller than {minimum} px. Make it wider."
    ),
    "logo.unusual_width": _("The logo “{name}” takes {percent} % of the width; {low} to {high} % is usual."),
    "logo.wider": _("The logo “{name}” takes {percent} % of the width; the layout says {wanted} %. Compose it again."),
    "palette.drifts": _(
        "{percent} % of the picture is off the palette ({far} % far off). On it: {shares}. See the marked part."
    ),
    "palette.none": _("Not checked: the brand has no palette."),
    "palette.off": _(
        "{percent} % of the picture is off the palette, {far} % of it far off. On it: {shares}. Use brand colours."
    ),
    "palette.on": _("{percent} % of the picture is off the palette. On it: {shares}."),
    "palette.photograph": _("{percent} % of the photograph is off the palette, as it may be. On it: {shares}."),
    "palette.photograph_without": _(
        "{percent} % of the photograph is off the palette, which is hardly to be seen in it. Judge by eye."
    ),
    "safe_area.inside": _("All {layers} layers lie in the safe area of {channel}."),
    "safe_area.nothing_placed": _("Not checked: nothing was placed on the picture."),
    "safe_area.outside": _("“{layer}” sticks {pixels} px out of the channel's safe area. Move it inwards."),
}

WORDS = {**_KIT, **_CHECK, **_TERMS, **_LINES, **_FILE, **_PICTURE}
