"""Words of what a model's catalog row refuses: the rule, and the nearest choice that holds."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "request.bad_size": _("{text} is no size. Write width x height in pixels, for example 1024x1024."),
    "model.ended": _(
        "{model} ended on {ends_on}: its provider makes no more pictures with it. Choose one of: {replaced_by}."
    ),
    "size.not_offered": _("{model} doesn't make {size}, only {known}. The nearest is {nearest}."),
    "size.multiple": _("{model} makes edges in multiples of {multiple} pixels, not {size}. The nearest is {nearest}."),
    "size.ratio": _("{model} makes pictures up to {most}:1, not {size}. The nearest is {nearest}."),
    "size.edge": _("{model} makes edges from {least} to {most} pixels, not {size}. The nearest is {nearest}."),
    "size.pixels": _("{model} makes {least} to {most} pixels in all, not {size}. The nearest is {nearest}."),
    "quality.not_offered": _("{model} has no quality {quality}. Choose one of: {known}."),
    "format.not_offered": _("{model} doesn't make {format}. Choose one of: {known}."),
    "format.refused": _(
        "{model} may make {format}, but this studio doesn't take it: it can't be checked or composed. Choose one of: "
        "{known}."
    ),
    "background.not_offered": _("{background} is no background. Choose one of: {known}."),
    "fidelity.not_offered": _(
        "{model} takes no input fidelity {fidelity}; it takes: {known}. Leave it empty, and the model decides."
    ),
    "fidelity.needs_source": _(
        "Input fidelity says how closely a picture is kept, and there is no picture. Choose one, or leave it empty."
    ),
    "complexity.not_offered": _(
        "{model} takes no complexity {complexity}; it takes: {known}. Leave it empty, and the model decides."
    ),
    "moderation.not_offered": _(
        "{model} takes no moderation {moderation}; it takes: {known}. Leave it empty for the provider's own."
    ),
    "prompt.empty": _("{model} needs a prompt. Say in words what the picture shows, or what changes."),
    "inputs.too_many": _("{model} takes up to {most} pictures, not {count}. Take some away."),
    "inputs.too_large": _(
        "Picture {number} weighs {bytes} bytes; {model} takes less than {most}. Choose a smaller version of it."
    ),
    "mask.too_large": _("The mask weighs {bytes} bytes; {model} takes less than {most}. Save it as a smaller PNG."),
    "mask.with_markup": _("A mask and a markup can't go together. Take one of them away."),
    "mask.needs_source": _("A mask says where a picture may change, and there is no picture. Choose one."),
    "mask.other_size": _("The mask is {size}, the picture below it {nearest}. Make the mask {nearest} as well."),
    "mask.no_alpha": _(
        "The mask has no transparency, so it marks nothing. Save it as a PNG that is transparent where the picture "
        "may change."
    ),
    "markup.not_offered": _("{model} can't read a markup. Choose a route that can, or take the markup away."),
    "markup.needs_source": _("A markup lies over a picture, and there is no picture. Choose one."),
}
