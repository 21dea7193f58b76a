"""Words of what a bought picture's server answered. Each says whose fault it is and what to do next."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "provider.answer_too_large": _(
        "{alias} sent more than an answer may have, and reading it was stopped (request {request_id}). It may have "
        "been charged: look there first. Whoever runs the site can raise max_answer_bytes in this provider's options."
    ),
    "provider.auth": _(
        "{alias} does not accept this site's key (request {request_id}). Nothing was charged. Whoever runs the site "
        "has to mend the key in the settings, then retry."
    ),
    "provider.bad_request": _(
        "{alias} did not take this request to {model}: {message} (parameter {param}, request {request_id}). Nothing "
        "was charged. Change it, or choose another route."
    ),
    "provider.broken": _(
        "The request to {alias} could not be put together ({reason}), a defect of this site. Nothing was sent. Its "
        "traceback is in the worker's log."
    ),
    "provider.extra_taken": _("Extra options can't say {taken}: a request has its own place for that. Take them out."),
    "provider.model_not_found": _(
        "{alias} has no model {model}, or this site may not use it (request {request_id}). Nothing was charged. Choose "
        "another route, or let whoever runs the site look at its access."
    ),
    "provider.no_key": _(
        "There is no usable key for {alias}. Nothing was sent. Whoever runs the site has to set {variable}, or api_key "
        "in the options of this provider."
    ),
    "provider.outcome_unknown": _(
        "{alias} was asked and no whole answer came ({reason}, request {request_id}). It may have been charged: look "
        "there first, then decide about a retry."
    ),
    "provider.quota": _(
        "The account at {alias} has no money left, or reached its limit (request {request_id}). Nothing was charged. "
        "Whoever runs the site has to look at its billing, then retry."
    ),
    "provider.stripped": _("The server of this route does not know {option}. Leave it out, or choose another route."),
    "provider.unverified": _(
        "{alias} wants this site's organisation verified before it may use {model} (request {request_id}). Nothing was "
        "charged. Whoever runs the site does that there; it takes up to half an hour."
    ),
    "provider.wrong_address": _(
        "There is no image service at the address of {alias} (status {status}). Nothing was charged. Whoever runs the "
        "site has to mend base_url in the options of this provider."
    ),
    "answer.cut": _(
        "The answer of {alias} broke off before this picture was whole (request {request_id}). It was charged all the "
        "same. Retry this cell to ask for it alone."
    ),
    "answer.empty": _(
        "{alias} sent an empty place where this picture should be (request {request_id}). That is its fault. Retry "
        "this cell to ask for it alone."
    ),
    "answer.garbage": _(
        "What {alias} sent as this picture can't be decoded (request {request_id}). That is its fault. Retry this cell "
        "to ask for it alone."
    ),
    "answer.link_failed": _(
        "{alias} sent a link in place of this picture, and the link could not be followed (request {request_id}). That "
        "is its fault. Retry this cell, or let whoever runs that server have it answer with b64_json."
    ),
    "answer.link_refused": _(
        "{alias} sent a link in place of this picture, to an address that is not followed (request {request_id}). Only "
        "servers of the dialect compatible may, with https or to themselves. Whoever runs the site has to mend its "
        "dialect, or let that server answer with b64_json."
    ),
    "answer.missing": _(
        "{alias} sent fewer pictures than were asked for (request {request_id}). That is its fault. Retry this cell to "
        "ask for it alone."
    ),
    "answer.refused": _(
        "What {answered_by} sent as this picture is none that can be used ({code}). That is its fault, and it was "
        "charged all the same; its bytes are kept. Retry this cell to ask for it alone."
    ),
    "answer.too_large": _(
        "The answer of {alias} was larger than this site takes, and reading it was stopped (request {request_id}). It "
        "was charged all the same. Ask for fewer or smaller pictures, or let whoever runs the site raise "
        "max_answer_bytes."
    ),
}
