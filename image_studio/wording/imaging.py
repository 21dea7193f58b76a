from django.utils.translation import gettext_lazy as _

WORDS = {
    "image.empty": _("The file is empty. Choose another file, or export the picture again."),
    "image.not_accepted": _(
        "The file's content is of kind “{kind}”. Save the picture as PNG, JPEG or WebP and try again."
    ),
    "image.broken": _("The {kind} file is cut off or damaged. Export the picture again and try again."),
    "image.animated": _(
        "The {kind} file is an animation of {frames} frames. Save the frame you want as a still picture."
    ),
    "image.too_heavy": _("The file has {weight} bytes, and at most {limit} are taken. Save the picture smaller."),
    "image.too_large": _(
        "The picture is {width} × {height} pixels, and at most {limit} pixels in all are taken. Scale it down."
    ),
    "image.too_long": _(
        "The picture is {width} × {height} pixels, and an edge may have at most {limit}. Scale it down."
    ),
    "image.too_small": _(
        "The picture is {width} × {height} pixels, and both edges need at least {limit}. Choose a larger picture."
    ),
    "image.cannot_fit": _(
        "The picture at {width} × {height} pixels stays above {limit} bytes as {format}, "
        "even at quality {quality} ({weight} bytes). Allow more weight, or choose a smaller size or another format."
    ),
    "mask.other_ratio": _(
        "The mask is {size}, the picture below it {nearest}: another shape. Paint the mask on the whole picture again."
    ),
    "mask.not_a_mask": _(
        "{share} percent of the mask are neither black nor white, as in a photograph. Paint it in black and white, or "
        "say that its transparency counts."
    ),
    "mask.empty": _(
        "The mask marks nothing. Paint over what is to change, or choose the other way of reading the mask."
    ),
    "mask.full": _(
        "The mask marks the whole picture. Paint only over what is to change, or leave the mask away to change all."
    ),
    "mask.too_heavy": _(
        "The mask weighs {weight} bytes as PNG, and it must stay below {limit}. Paint larger, plainer areas."
    ),
    "mask.outside": _("The marked region lies outside the picture. Draw it on the picture."),
    "mask.bad_points": _(
        "A region is given in fractions of the picture, from 0 to 1, and a polygon has at least three points. Mend the "
        "points and try again."
    ),
    "paste.other_ratio": _(
        "The answer is {size}, the picture it came from {nearest}: the model changed the canvas, so the pixels outside "
        "the mask were not put back. Ask for the picture's own size, or use the answer as it is."
    ),
    "paste.not_alike": _(
        "Outside the mask the answer does not look like the picture it came from ({agree} percent of its detail agree, "
        "{limit} are needed), so nothing was put back. Try again, or use the answer as it is."
    ),
    "paste.moved": _(
        "The model moved the picture by {shift} pixels, and up to {limit} can be mended, so the pixels outside the "
        "mask were not put back. Try again, or use the answer as it is."
    ),
    "paste.scaled": _(
        "The model scaled the picture by {change} percent, and up to {limit} can be mended, so the pixels outside the "
        "mask were not put back. Try again, or use the answer as it is."
    ),
    "drift.other_ratio": _(
        "The result is {size}, the picture it came from {nearest}: pictures of different shapes can't be compared. Cut "
        "the result to the picture's shape first."
    ),
    "drift.nothing_kept": _(
        "The mask with its soft edge covers the whole picture, so there is nothing outside to compare. Compare without "
        "the mask."
    ),
}
