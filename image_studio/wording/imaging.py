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
}
