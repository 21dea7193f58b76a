"""The fake provider, free and deterministic: a lost request may simply be sent again."""

from image_studio import testing


class Provider(testing.Provider):
    repeatable = True
