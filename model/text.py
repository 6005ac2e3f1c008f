"""Normalised text that remembers where each of its characters stood in the original."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from model.cjk_radicals import RADICAL_TO_IDEOGRAPH
from model.errors import TextError

# GB18030-2005 decoders give private-use code points for characters that Unicode encoded later; GB18030-2022 names their equivalents
# (Annex on the 24 changed code positions): ten vertical punctuation marks and eight ideographic components. Word writes
# list bullets of its symbol fonts to U+F020..U+F0FF.
_PRIVATE_USE = {
    **dict(zip(map(chr, range(0xE78D, 0xE797)), "︐︒︑︓︔︕︖︗︘︙", strict=True)),
    **{
        "\ue81e": "龴",
        "\ue826": "龵",
        "\ue82b": "龶",
        "\ue82c": "龷",
        "\ue832": "龸",
        "\ue843": "龹",
        "\ue854": "龺",
        "\ue864": "龻",
    },
    **{chr(code): "•" for code in range(0xF020, 0xF100)},
}
REPLACED = _PRIVATE_USE | RADICAL_TO_IDEOGRAPH
_HAN_RANGES = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)
_DROPPED_CATEGORIES = {"Cc", "Cf", "Cs", "Mn", "Me"}

# Putting n combining marks in canonical order costs n² (20 s for 160 KB). No script stacks this many: Unicode's own stream-safe
# format (UAX #15, 13) ends a run after 30.
_LONGEST_CLUSTER = 31


def is_han(char: str) -> bool:
    """Whether `char`, a single character, is a CJK ideograph."""
    code = ord(char)
    return any(first <= code <= last for first, last in _HAN_RANGES)


@dataclass(frozen=True, slots=True)
class NormalisedText:
    """`text` and, for each of its characters, the span of the original that it came from.

    `starts[i]` and `ends[i]` are the half-open offsets, in code points of the original, behind `text[i]`.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Half-open span of the original behind the non-empty span `text[start:end]`."""
        return self.starts[start], self.ends[end - 1]


@lru_cache(maxsize=65_536)
def replacement(cluster: str) -> str:
    """What one character with its combining marks becomes: NFKC, look-alikes mended, marks and invisible characters dropped, space for space."""
    mended = "".join(REPLACED.get(char, char) for char in cluster)
    out = []
    for char in unicodedata.normalize("NFKC", mended):
        if char.isspace():
            out.append(" ")
        elif unicodedata.category(char) not in _DROPPED_CATEGORIES and not unicodedata.combining(char):
            out.append(char)
    return "".join(out)


def _clusters(text: str) -> list[tuple[str, int]]:
    """Each character of `text` joined with the combining marks that follow it, up to `_LONGEST_CLUSTER`, and its offset."""
    if not any(map(unicodedata.combining, text)):
        return [(char, index) for index, char in enumerate(text)]
    starts: list[int] = []
    for index, char in enumerate(text):
        if not starts or not unicodedata.combining(char) or index - starts[-1] == _LONGEST_CLUSTER:
            starts.append(index)
    return [(text[start:end], start) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def normalise(text: str) -> NormalisedText:
    """Bring `text` to the one form that everything behind works on.

    NFKC per character (full-width to half-width, Kangxi radicals), the radicals that NFKC leaves, private-use punctuation; control, format
    and combining characters go; white space goes unless it parts two words of alphabetic script, where one space stays. Applying it twice
    changes nothing.
    """
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    pending_space: tuple[int, int] | None = None
    for cluster, offset in _clusters(text):
        for char in replacement(cluster):
            if char == " ":
                pending_space = pending_space or (offset, offset + len(cluster))
                continue
            if pending_space and chars and _parts_words(chars[-1], char):
                chars.append(" ")
                starts.append(pending_space[0])
                ends.append(pending_space[1])
            pending_space = None
            chars.append(char)
            starts.append(offset)
            ends.append(offset + len(cluster))
    return NormalisedText("".join(chars), tuple(starts), tuple(ends))


class _Replacements(dict[int, str]):
    """Replacement of each code point, for `str.translate`; filled as characters come."""

    def __missing__(self, code: int) -> str:
        self[code] = found = replacement(chr(code))
        return found


_REPLACEMENTS = _Replacements()


def normalised(text: str) -> str:
    """`normalise(text).text` for those who need no offsets, ten times as fast."""
    if any(map(unicodedata.combining, text)):
        return normalise(text).text
    joined = ""
    for part in filter(None, text.translate(_REPLACEMENTS).split(" ")):
        joined += (" " if joined and _parts_words(joined[-1], part[0]) else "") + part
    return joined


def _parts_words(before: str, after: str) -> bool:
    return before.isalnum() and after.isalnum() and not is_han(before) and not is_han(after)


def lowered(text: str) -> str:
    """`text` in lower case, without a change of length (İ alone would grow)."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def check_text(text: str) -> None:
    """Refuse what no document holds and no output file can carry.

    Raises:
        TextError: `text` has a NUL character or a lone surrogate; the message gives its position (from 1).
    """
    position = text.find("\0")
    if position >= 0:
        raise TextError(
            f"第 {position + 1} 个字符是空字符（NUL），不是正常文本；请检查文件是否为二进制文件，或删去该字符。"
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextError(
            f"第 {error.start + 1} 个字符是不成对的代理码（\\u{ord(text[error.start]):04x}），无法保存；请改正来源文本的编码。"
        ) from None
