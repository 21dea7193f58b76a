"""Words of the REST API: what is wrong with a request as such."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "auth.required": _("Sign in first: send a token in the Authorization header, or the site's session cookie."),
    "auth.failed": _("These credentials are not valid here. Ask for new ones."),
    "auth.csrf": _("Requests with a session need the page's CSRF token in the header X-CSRFToken."),
    "auth.denied": _("You may not do this here."),
    "not_found": _("There is nothing at this address that you may see."),
    "not_found.slash": _("There is nothing at this address. Addresses here end with a slash."),
    "method_not_allowed": _("This address does not take this method; the header Allow says which it takes."),
    "not_acceptable": _("Answers are application/json: let the header Accept allow that."),
    "request.bad_cursor": _("The cursor is not one of this list. Take it from next or previous, unchanged."),
    "request.malformed": _("The request cannot be read: {detail}."),
    "request.invalid": _("Some fields do not hold: errors says which and why."),
    "request.too_large": _("This is too large: {most} is the most."),
    "request.unknown_user": _("There is nobody called “{user}” on this site."),
    "request.precondition": _("It changed since you read it. Read it again, then send the change with the new ETag."),
    "throttled": _("That was too often. Wait {seconds} seconds, then go on."),
    "server_error": _("Something went wrong here, not with you. Try again later; the site's operator was told."),
}
