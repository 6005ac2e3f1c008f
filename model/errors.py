"""The one family of errors that this software raises on purpose.

Every message is a whole sentence for an analyst, in Chinese: what was wrong, where, and what to do. No error knows how a door
reports it: exit codes and HTTP statuses are chosen in `service/` and `training/`.
"""


class PolicyThemesError(Exception):
    """Base of all errors whose message may be shown to a user as it stands."""


class TextError(PolicyThemesError):
    """A text cannot be labelled as it is (lone surrogates, NUL characters)."""


class ArtifactError(PolicyThemesError):
    """A model folder is missing, damaged, foreign or of another format."""


class ArtifactMissingError(ArtifactError):
    """There is no model folder at the place that was asked for."""


class DataError(PolicyThemesError):
    """A data file is not as `datasets/README.md` says; the message names file, line and field."""
