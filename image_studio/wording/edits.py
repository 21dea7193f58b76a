from django.utils.translation import gettext_lazy as _

WORDS = {
    # Chains
    "chain.no_such_step": _("This edit history has no step {step}. Load the page again."),
    "chain.no_such_candidate": _("Step {step} has no picture {candidate}. Choose one that it has."),
    "chain.parent_running": _(
        "Step {step} is still being made, so nothing can grow from it yet. Wait for it, or go on from the step before."
    ),
    "chain.parent_empty": _(
        "Step {step} brought no picture ({status}), so nothing can grow from it. Try it again, or go on from another "
        "step."
    ),
    "chain.choose_first": _("Step {step} has {pictures} pictures. Choose the one to go on from."),
    "chain.picture_gone": _(
        "The picture of step {step} is not in the library any more. Go on from another step, or replay the recipe on "
        "another picture."
    ),
    "chain.closed": _("This edit history is closed. Open it again to go on."),
    "chain.head_moved": _(
        "Somebody went on from step {head} meanwhile; you saw step {seen}. Nothing you wrote is lost: look at the "
        "tree, then choose where to go on."
    ),
    "chain.no_title": _("An edit history needs a name. Write one."),
    "chain.step_over": _("Step {step} is over: there is nothing to stop, and nothing to try again."),
    "chain.draft_too_large": _(
        "The draft has {weight} bytes, and {most} are kept. Ask for the step, or draw less; it stays on this page."
    ),
    "chain.bad_draft": _("The draft can't be kept as it is: it has characters that are none. It stays on this page."),
    "chain.no_cell": _(
        "This edit history was not begun on a contact sheet, or its cell is gone. Use the picture from the library."
    ),
    "chain.not_on_sheet": _(
        "The picture of step {step} is an upload, which no cell can show. Choose a step that was made."
    ),
    # Steps
    "step.unknown_kind": _("“{kind}” is nothing that can be done to a picture here. There are: {known}."),
    "step.bad_candidates": _("{candidates} pictures were asked for at once. Ask for 1 to {most}."),
    "step.unknown_detail": _("There is no detail “{detail}”. Choose one of: {known}."),
    "step.bad_feather": _("The soft edge is {feather} pixels wide. Choose 0 to {most}."),
    "step.two_masks": _("The place is marked twice: painted, and as a shape. Keep one of them."),
    "step.no_mask": _("No place is marked. Mark what may change, or ask for a change of the whole picture."),
    "step.no_markup": _("Nothing was drawn. Draw on the picture, or ask for a change in words."),
    "step.mask_and_markup": _("A mask and a drawing can't go along together. Keep one of them."),
    "step.extend_and_place": _(
        "An extended picture changes around its edges, so no place can be marked in it too. Take the mark away, or "
        "ask for a change of that part."
    ),
    "step.nothing_to_extend": _("The picture has the shape {ratio} already. Choose another ratio to extend it to."),
    "step.canvas_too_large": _(
        "For this a canvas of {size} would be needed, and {pixels} megapixels and {edge} pixels along an edge are the "
        "most. Choose a ratio nearer to the picture's own, another route, or a smaller picture."
    ),
    "step.no_ratio": _("Extend to which shape? Choose a ratio, for example 16:9."),
    "step.bad_ratio": _("“{ratio}” is no ratio. Write two numbers with a colon between, for example 16:9."),
    "canvas.bad_anchor": _("The picture can't stand at “{anchor}”. Choose one of: {known}."),
    "step.no_reference": _("Combine with what? Add at least one picture of the library."),
    "step.too_many_references": _("At most {most} references can go along. Take some out."),
    "step.unknown_role": _("A reference can't go along as “{role}”. Choose one of: {known}."),
    "step.no_instruction": _("Say what should be different."),
    "step.no_such_file": _("The {role} {file} does not belong to this edit history. Paint it again on its picture."),
    "step.placeholder": _("This is a stand-in for a layout, not a picture: it can't be edited. Choose a picture."),
    "step.not_by_this_route": _("{model} follows no words, so it can't do this: {kind}. It can extend a picture."),
    "step.enlarged": _(
        "The change is made at {size} and enlarged {times} times to fit the picture, so it looks softer than the rest. "
        "Full detail costs more."
    ),
    "step.unknown_reason": _("There is no reason “{reason}”. Choose one of: {known}."),
    "step.start_stays": _("The start of an edit history stays. Close the history instead."),
    "step.dearer": _(
        "This step would cost up to {most} US dollars now, and {limit} was agreed to. Nothing was bought: look at the "
        "price, and ask for the step again."
    ),
    "step.no_route": _("The route {route} leads nowhere any more. Replay the recipe on another one."),
    "markup.no_alpha": _(
        "The drawing has no transparency, so it would hide the picture. Save it as PNG with a clear ground."
    ),
    "markup.other_size": _(
        "The drawing is {size}, the picture below it {nearest}. Draw on the whole picture at its own size."
    ),
    "markup.empty": _("The drawing is empty. Draw on the picture first."),
    # Pasting back
    "paste.parent_gone": _(
        "The picture that was edited can't be read any more ({detail}), so its pixels were not put back and the drift "
        "was not measured. This is the answer as it came."
    ),
    "paste.crashed": _(
        "Putting the pixels back failed by a defect here, which is in the log. This is the answer as it came; it is "
        "not lost."
    ),
    # Drift
    "asset.no_drift": _("This picture is no edit, so there is no map of what drifted."),
    "drift.little": _("Outside the mask {percent} percent of the area changed, which is usual."),
    "drift.some": _(
        "Outside the mask {percent} percent of the area changed. Worst place: a colour difference of {worst}."
    ),
    "drift.much": _(
        "Outside the mask {percent} percent of the area changed, more than an edit should. Worst place: a colour "
        "difference of {worst}."
    ),
    "drift.no_mask": _("No place was marked, so there is no outside to compare. In all, {percent} percent changed."),
    "drift.not_comparable": _("The result has another shape than the picture before, so the drift was not measured."),
    "check.not_composed": _("Judged once logo and words are on the picture."),
    # Recipes
    "recipe.no_name": _("A recipe needs a name. Write one."),
    "recipe.no_steps": _("There is no step before this one to keep. Choose a step after the start."),
    "recipe.mask_gone": _("The recipe's painted mask is not there any more. Save the recipe again from its history."),
    "replay.no_picture": _("Replay on which picture? Choose at least one."),
    "replay.too_many": _(
        "{chains} replays were asked for at once, and {most} are done. Choose fewer pictures or routes."
    ),
    "replay.markup": _(
        "Step {step} of the recipe follows a drawing on its own picture, which fits no other. Save the recipe without "
        "it."
    ),
}
