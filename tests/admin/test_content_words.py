"""What a cell says of the judgement of its content."""

import pytest
from django.template.loader import render_to_string


@pytest.mark.parametrize(
    ("judged", "moderated", "words"),
    [
        (False, "", "layout checked, content not judged"),
        (False, "pass", "layout checked, moderation passed; people and brands not judged"),
        (False, "warn", "layout checked, moderation passed; people and brands not judged"),
        (False, "fail", "layout checked, flagged by moderation; people and brands not judged"),
        (True, "pass", ""),
    ],
)
def test_moderation_is_never_taken_for_a_judgement_of_everything(judged, moderated, words):
    shown = {"judged": judged, "moderated": moderated}
    page = render_to_string("admin/image_studio/includes/content.html", shown).strip()
    assert page == (f'<p class="studio-judged">{words}</p>' if words else "")
