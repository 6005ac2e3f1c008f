"""What an `Accept` header wants."""

import pytest

from service.accepted_type import choose_type

OFFERED = ("application/json", "text/html", "text/csv")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "text/html"),
        ("TEXT/HTML", "text/html"),
        ("text/*", "text/html"),
        ("text/html;q=0.5, text/csv", "text/csv"),
        ("text/csv;q=0.5, */*;q=0.1", "text/csv"),
        ("application/json;q=0, */*", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("image/png", None),
        ("application/json;q=0", None),
        ("application/json;q=oops", None),
        ("nonsense", "application/json"),
        (",".join(f"a/b{number}" for number in range(1000)), None),
    ],
)
def test_what_is_wanted_is_chosen(accept: str, chosen: str | None) -> None:
    assert choose_type(accept, OFFERED) == chosen
