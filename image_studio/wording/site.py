"""Words of rights, requests, prompts, reviews and the library."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "policy.not_allowed": _("You may not do this here ({verb}). Ask somebody who is at least {role} of this brand."),
    "object.frozen": _("This {object} is written once and never changed. Make a new one instead."),
    "object.changed": _("Somebody else changed this a moment ago. Look at it again, then decide."),
    "prompt.unknown_variable": _("The prompt has no place called {name}. It has: {known}."),
    "prompt.missing_variable": _("{name} is empty. Fill it in, or give it a default in the prompt."),
    "prompt.bad_choice": _("{value} is no choice for {name}. Choose one of: {known}."),
    "prompt.not_a_number": _("{name} takes a number, not {value}."),
    "prompt.too_long": _("The prompt is {length} characters long; {most} is the most. Shorten it."),
    "prompt.broken_template": _(
        "The template's braces do not hold ({detail}). Places are plain names such as {{product}}; write {{{{ and }}}} "
        "for real braces."
    ),
    "prompt.bad_variable": _("{name} is no usable variable: it needs a plain name, and a choice needs its choices."),
    "prompt.bad_slug": _("{slug} is no usable short name. Use small letters, digits, hyphens and underscores."),
    "prompt.slug_taken": _("This brand already has a prompt called {slug}. Choose another short name."),
    "brand.slug_taken": _("There is already a brand called {slug}. Choose another short name."),
    "brand.other_slug": _("This kit is for {slug}, not for {brand}. A brand's short name never changes."),
    "brand.no_kit": _("The brand {brand} has no kit yet. Fill in its page, or import a brand.toml."),
    "brand.unknown": _("There is no brand {brand}. There is: {known}."),
    "asset.unknown": _("There is no picture {asset} that you may use."),
    "asset.focal_outside": _("The focal point ({x}, {y}) lies outside the picture. Both parts go from 0 to 1."),
    "asset.never_published": _("This is a placeholder: good for judging a layout, never for release."),
    "asset.expired": _("The rights to this picture have ended. Extend them before it is released."),
    "asset.blocked": _(
        "A check that blocks has failed: {checks}. Mend the cause and compose again, or let a brand manager override."
    ),
    "asset.wrong_state": _(
        "This picture is {state} now, so it cannot become {wanted}. Look at it again to see what can be done."
    ),
    "review.unknown_reason": _("{reason} is no reason to reject. Choose one of: {known}."),
    "review.note_missing": _("Say why you approve over a failed check: the note is kept with the picture."),
    "review.change_empty": _("Say what should be different: the note becomes the next edit's instruction."),
    "review.no_change_now": _(
        "This picture is {state} now. Reject it first (withdraw it before that if it is live), then ask for a change."
    ),
    "review.bad_region": _(
        "A region is left, top, width and height as fractions of the picture, inside it and not empty."
    ),
    "review.declaration_missing": _(
        "Nothing has judged these points of what the picture shows, so you answer for them: confirm every point "
        "({missing} open)."
    ),
    "review.unknown_declaration": _("{name} is no point of the declaration. It has: {known}."),
    "review.same_person": _("You asked for this picture yourself. This brand wants a second person to approve it."),
    "review.not_approved_like_this": _(
        "The approval was for other bytes or another brand kit. Look at the picture again: reject it, then approve it "
        "if it still holds."
    ),
    "asset.alt_missing": _(
        "Say in words what the picture shows before it goes live: alt text is missing in {locales}."
    ),
    "asset.alt_term": _("The alt text ({locale}) contains {term}, which this brand does not use."),
    "preview.changed": _("Prices, the brand kit or the channels changed since you looked. Look again, then confirm."),
    "idempotency.other_body": _("This key was already used for another request. Start again from the form."),
    "idempotency.bad_key": _("A request's key is 1 to 100 visible ASCII characters, for example a UUID."),
    "request.nothing_chosen": _("Choose at least one {what}."),
    "request.no_source_or_prompt": _("Choose a picture or a prompt to start from."),
    "request.unknown_channel": _("There is no channel {channel}. There is: {known}."),
    "request.channel_inactive": _("The channel {channel} is switched off. Switch it on, or leave it out."),
    "request.unknown_locale": _("{locale} is no language of this brand. It has: {known}."),
    "request.unknown_route": _("There is no route {route}. There is: {known}."),
    "request.unknown_prompt": _("There is no prompt {prompt} in this brand. There is: {known}."),
    "request.unknown_sharing": _("{sharing} is no way to share pictures. Choose one of: {known}."),
    "request.takes_out_of_range": _("{takes} takes cannot be asked for; 1 to {most} can."),
    "request.too_many_cells": _(
        "This makes {cells} cells; {most} is the most. Choose fewer channels, languages or takes."
    ),
    "request.other_brand": _("The picture or prompt belongs to another brand."),
    "request.bad_text": _("{text} is no line. Write KEY:LOCALE=WORDS, for example headline:en=New season."),
    "request.bad_variable": _("{text} is no variable. Write NAME=VALUE."),
    "route.unknown_model": _(
        "The route {route} names the model {model}, which this site does not have. Mend its settings."
    ),
    "route.needs_source": _("Needs a picture to start from."),
    "route.takes_no_source": _("Starts from a prompt, not from a picture."),
    "variant.wrong_state": _("This cell is {state} now: there is nothing to do here."),
    "price.unknown": _("The model {model} has no price, so it may not run. Add its price to the settings."),
    "file.unreadable": _("{file} cannot be read: {detail}."),
}
