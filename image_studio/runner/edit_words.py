"""What a model is told of an edit: in English, and the instruction in it as it was said, in whatever language."""

from __future__ import annotations

from collections.abc import Sequence

#: What a step is about, around the person's words.
TASKS = {
    "edit": "{instruction}",
    "inpaint": "{instruction}",
    "markup": "{instruction}",
    "extend": "Continue the first image beyond its edges, seamlessly, to fill the whole canvas. {instruction}",
    "restyle": "Render the first image in another style, and keep its content and composition. {instruction}",
    "combine": "Combine the images into one believable picture, starting from the first. {instruction}",
    "remove_background": "Cut out the main subject of the first image, on a transparent background. {instruction}",
    "replace_background": "Keep the main subject of the first image as it is, and replace all behind it. {instruction}",
    "generate": "{instruction}",
}
#: What must stay, by kind; a mask says it more sharply.
KEPT = {
    "edit": "Change nothing else: keep framing, light, people, products and every other detail as they are.",
    "markup": "The drawing over the first image shows where. Follow it, leave no trace of it, and change nothing else.",
    "extend": "Keep what is there exactly as it is.",
    "replace_background": "Keep its shape, its edges and its light.",
}
MASKED = "Change only what the mask leaves open, and keep everything outside it exactly as it is."
AS = {
    "style": "image {n} shows the style to take over, and nothing else of it",
    "subject": "image {n} shows the subject, which must stay recognisable",
    "product": "image {n} shows the product, exact in shape, colour and proportions",
    "background": "image {n} shows the background",
    "colours": "image {n} shows the colours to use",
    "other": "image {n} is a reference",
}
#: Logos and words are composed, exact, and never drawn by a model.
NO_WORDS = "Add no logo and no lettering that is not asked for."


def prompt_for(
    kind: str, instruction: str, *, guidance: str = "", references: Sequence[str] = (), masked: bool = False
) -> str:
    """The whole prompt of an edit.

    :param guidance: the brand's own, as its kit has it.
    :param references: as what each picture after the first goes along, keys of :data:`AS`.
    """
    first = 1 if kind == "generate" else 2
    roles = [AS[role].format(n=first + k) for k, role in enumerate(references)]
    kept = MASKED if masked and kind in ("edit", "inpaint") else KEPT.get(kind, "")
    parts = (
        _sentence(TASKS[kind].format(instruction=_sentence(instruction))),
        _sentence("; ".join(roles)).capitalize() if roles else "",
        kept,
        _sentence(f"Brand guidance: {guidance.strip()}") if guidance.strip() else "",
        NO_WORDS,
    )
    return "\n".join(part for part in parts if part)


def _sentence(words: str) -> str:
    words = words.strip()
    return words if not words or words[-1] in ".!?…。" else f"{words}."
