"""Which of the forms of an answer a client would have, by its `Accept` header (RFC 9110, 12.5.1)."""

from collections.abc import Sequence

_MOST_RANGES = 50


def choose_type(accept: str, offered: Sequence[str]) -> str | None:
    """The media type among `offered` that `accept` wants most; the first of them where it does not say; None where it wants none.

    Args:
        accept: the header, or "".
        offered: media types in lower case, the one to prefer first.
    """
    wanted = _ranges(accept)
    if not wanted:
        return offered[0]
    best, most = None, 0.0
    for media_type in offered:
        quality = _quality(media_type, wanted)
        if quality > most:
            best, most = media_type, quality
    return best


def _ranges(accept: str) -> dict[str, float]:
    wanted = {}
    for part in accept.split(",")[:_MOST_RANGES]:
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if "/" not in name:
            continue
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    quality = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    quality = 0.0
        wanted[name] = quality
    return wanted


def _quality(media_type: str, wanted: dict[str, float]) -> float:
    """That of the most exact range that `media_type` falls into."""
    for name in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if name in wanted:
            return wanted[name]
    return 0.0
