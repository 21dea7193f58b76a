"""Username and password for a token: the site's own door to the studio's API, and how often somebody may knock."""

from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.throttling import AnonRateThrottle


class SignIns(AnonRateThrottle):
    """Ten tries a minute from one address, right or wrong."""

    scope = "sign-in"
    rate = "10/min"


class ObtainToken(ObtainAuthToken):
    """``POST {"username", "password"}`` answers ``{"token"}``."""

    # Whoever has a session is counted like everybody else.
    authentication_classes = ()
    throttle_classes = (SignIns,)
