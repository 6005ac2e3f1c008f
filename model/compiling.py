"""From the parts of a labeller to a compiled model: the tables that the native core reads (`model/core/compiled_model.hpp`)."""

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jieba import finalseg
from numpy.typing import NDArray

from model.compiled import pack
from model.features import CONCEPT_WEIGHT, feature_names
from model.labeller import Decision
from model.lexicon import Lexicon
from model.pipeline import Pipeline
from model.text import REPLACED, is_han, replacement
from model.words import WordSegmenter

_LANES = 8  # doubles; rows of coefficients are padded to whole groups of this many
_TABULATED_FREQUENCIES = 1024
_SMALL_FAMILY = 4
_NO_NODE = 0xFFFFFFFF
_NODE = [("base_and_term", "<u4"), ("parent", "<u4"), ("column", "<i4"), ("weight", "<u2"), ("child_bits", "<u2")]
_CHILD_BITS = 16
_PAIR = 2
_PAIR_BITS = 21


def compile_model(pipeline: Pipeline, lexicon: Lexicon, decision: Decision, source: bytes) -> bytes:
    """The compiled form of a labeller's parts; the same parts give the same bytes.

    Args:
        pipeline: the fitted parts.
        lexicon: the terms it was trained with.
        decision: thresholds and the like.
        source: digest of what all this was read from (`model.compiled.source_digest`).
    """
    frequencies, total = WordSegmenter(term.text for term in lexicon.terms).dictionary()
    vectoriser = dict(pipeline.vectoriser.transformer_list)["words"]
    columns = {name: column for column, name in enumerate(feature_names(pipeline.vectoriser))}
    words = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.get)
    numbers = _number_characters(frequencies, words)
    sections = {
        **_text_tables(numbers),
        **_dictionary(frequencies, math.log(total), numbers, lexicon, columns),
        **_hidden_markov_model(numbers),
        **_vocabulary(words, numbers),
        **_scores(pipeline, decision, vectoriser.idf_, math.log(total)),
    }
    return pack(sections, source)


# ---- Characters


def _number_characters(frequencies: Mapping[str, int], words: Iterable[str]) -> dict[str, int]:
    """A number from 1 for each character that the dictionary, the hidden Markov model or a feature knows, the commonest first."""
    weight: Counter[str] = Counter()
    for word, frequency in frequencies.items():
        for char in word:
            weight[char] += frequency
    for text in (*words, *(char for state in finalseg.emit_P.values() for char in state)):
        for char in text:
            weight[char] += 0
    return {char: number for number, char in enumerate(sorted(weight, key=lambda char: (-weight[char], char)), 1)}


# As `Kind` and `Action` in normalise.hpp.
_KINDS = {
    **dict.fromkeys("。!?;", 1),
    **dict.fromkeys("\"'”’»」』)]", 2),
    **dict.fromkeys(",:", 3),
    "—": 4,
    "…": 5,
    "\r": 7,
    "\n": 8,
    "-": 9,
    **dict.fromkeys("+#&_", 10),
    ".": 11,
    "%": 12,
    **dict.fromkeys("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 13),
    **dict.fromkeys("0123456789", 14),
}
_HAN_BEYOND_JIEBA, _HAN = 6, 15
_VANISHES, _PARTS, _EXPANDS, _NEEDS_PYTHON = (action << 21 for action in (1, 2, 3, 4))
_CODES = 0x110000
_SELDOM_CHANGED = {"Cn", "Co", "Lo"}  # nearly all code points; they are no space, no combining mark


def _kind(char: str) -> int:
    if "\u4e00" <= char <= "\u9fff":
        return _HAN if char <= "\u9fd5" else _HAN_BEYOND_JIEBA
    return _KINDS.get(char, 0)


def _text_tables(numbers: Mapping[str, int]) -> dict[str, bytes]:
    """What the core knows of each code point: what it is by itself, and what normalisation makes of it."""
    own: list[int] = []
    normal: list[int] = []
    expansions: list[int] = [0]
    for code in range(_CODES):
        char = chr(code)
        plain = numbers.get(char, 0) | _kind(char) << 16
        if char.isalnum() and not is_han(char):
            plain |= 1 << 20
        own.append(plain)
        if unicodedata.category(char) in _SELDOM_CHANGED and _stays(char):
            normal.append(plain)
        else:
            normal.append(_normal_value(char, numbers, expansions))
    return {
        **_paged("own", own),
        **_paged("normal", normal),
        "expansions": np.array(expansions, np.uint32).tobytes(),
    }


def _stays(char: str) -> bool:
    """Whether normalisation and lower case leave `char`, of the categories `_SELDOM_CHANGED`, as it is."""
    return unicodedata.is_normalized("NFKC", char) and char not in REPLACED and char.lower() == char


def _normal_value(char: str, numbers: Mapping[str, int], expansions: list[int]) -> int:
    """What becomes of `char` where no combining mark follows, in lower case; what is longer than a character goes to `expansions`."""
    if unicodedata.combining(char):
        return _NEEDS_PYTHON
    replaced = replacement(char)
    if any(
        len(part.lower()) != 1 or part == "Σ" for part in replaced
    ):  # the lower case of Σ depends on what stands around
        return _NEEDS_PYTHON
    values = []
    for part in replaced:
        lower = part.lower()
        value = numbers.get(lower, 0) | _kind(part) << 16
        if part.isalnum() and not is_han(part):
            value |= 1 << 20
        values.append(_PARTS if part == " " else value)
    if not values:
        return _VANISHES
    if len(values) == 1:
        return values[0]
    place = len(expansions)
    expansions += [len(values), *values]
    return _EXPANDS | place


def _paged(name: str, values: Sequence[int]) -> dict[str, bytes]:
    """`values` of all code points in pages of 256, each kept once, and for each page where it is."""
    table = np.array(values, np.uint32).reshape(-1, 256)
    pages, index = np.unique(table, axis=0, return_inverse=True)
    return {f"{name}_index": index.astype(np.uint16).tobytes(), f"{name}_values": pages.tobytes()}


# ---- Dictionary


def _dictionary(
    frequencies: Mapping[str, int],
    log_total: float,
    numbers: Mapping[str, int],
    lexicon: Lexicon,
    columns: Mapping[str, int],
) -> dict[str, bytes]:
    """The double-array trie of all words and beginnings of words, with the weight, column and term of each node."""
    trie = _double_array(frequencies, numbers)
    different = sorted(set(frequencies.values()) - {0})
    place_of = {frequency: place for place, frequency in enumerate(different, 1)}
    weights = [-math.inf, *(math.log(frequency) - log_total for frequency in different)]
    nodes = np.zeros(trie.size, _NODE)
    nodes["parent"] = trie.parents
    nodes["column"] = -1
    pairs = np.zeros(1 << _PAIR_BITS, np.bool_)
    for word, frequency in frequencies.items():
        node = trie.nodes[word]
        if frequency:
            nodes["weight"][node] = place_of[frequency]
            nodes["column"][node] = columns.get(word, -1)
        nodes["child_bits"][trie.parents[node]] |= 1 << numbers[word[-1]] % _CHILD_BITS
        if len(word) == _PAIR:
            pairs[_pair_bit(*map(numbers.__getitem__, word))] = True
    terms = np.zeros(len(lexicon.terms), [("column", "<i4"), ("first", "<u4"), ("count", "<u4")])
    concepts: list[int] = []
    ends_term = np.zeros(trie.size, np.uint32)
    for number, term in enumerate(lexicon.terms):
        node = trie.nodes[term.text]
        terms[number] = (columns.get(term.text, -1), len(concepts), len(term.concepts))
        concepts += [columns.get(concept, -1) for concept in term.concepts]
        nodes["column"][node] = -2 - number
        ends_term[node] = 1
    nodes["base_and_term"] = trie.bases * 2 + ends_term
    return {
        "nodes": nodes.tobytes(),
        "weights": np.array(weights, np.float64).tobytes(),
        "pairs": np.packbits(pairs, bitorder="little").tobytes(),
        "terms": terms.tobytes(),
        "term_concepts": np.array(concepts, np.int32).tobytes(),
        "char_columns": np.array([-1, *(columns.get(char, -1) for char in numbers)], np.int32).tobytes(),
    }


def _pair_bit(first: int, second: int) -> int:
    """As `may_begin_with` in compiled_model.hpp."""
    return ((first << 16 | second) * 2654435769 & 0xFFFFFFFF) >> (32 - _PAIR_BITS)


class _DoubleArray(NamedTuple):
    """A trie as two arrays: the child of node n by character c is `bases[n] + c` where `parents` of that is n.

    The root is node 0 with base 0. The arrays are long enough for any character at any node.
    """

    nodes: dict[str, int]
    bases: NDArray[np.uint32]
    parents: NDArray[np.uint32]

    @property
    def size(self) -> int:
        """Length of the arrays."""
        return len(self.parents)


def _double_array(frequencies: Mapping[str, int], numbers: Mapping[str, int]) -> _DoubleArray:
    """The trie of the keys of `frequencies`, which hold every beginning of each of them."""
    children: dict[str, list[int]] = defaultdict(list)
    use: Counter[str] = Counter()  # how often text passes by a node
    ordered = sorted(frequencies, key=lambda key: (len(key), key))
    for key in reversed(ordered):
        use[key] += frequencies[key]
        use[key[:-1]] += use[key]
        children[key[:-1]].append(numbers[key[-1]])
    del children[""]
    taken = bytearray(2 * (len(ordered) + len(numbers)))
    taken[: len(numbers) + 1] = b"\1" * (len(numbers) + 1)  # the root and its children
    bases = {"": 0}
    class_of_size = place = 0
    # Large families first: they need the most room. Those of like size are placed one behind the other, the most used first so that
    # they lie together, and each class begins again, so that the small ones fill the gaps.
    families = sorted(children.items(), key=lambda item: (-_size_class(item[1]), -use[item[0]], item[0]))
    for parent, family in families:
        family.sort()
        first, *others = family
        if _size_class(family) != class_of_size:
            class_of_size, place = _size_class(family), len(numbers) + 1
        place = taken.index(0, max(place, first + 1))
        while others and not _all_free(taken, place - first, others):
            place = taken.index(0, place + 1)
        bases[parent] = place - first
        for number in family:
            taken[place - first + number] = 1
        taken += bytes(max(0, place + 2 * len(numbers) - len(taken)))
    length = max(bases.values()) + len(numbers) + 1
    nodes = {"": 0}
    base_array = np.zeros(length, np.uint32)
    parent_array = np.full(length, _NO_NODE, np.uint32)
    for key in ordered:
        node = bases[key[:-1]] + numbers[key[-1]]
        nodes[key] = node
        parent_array[node] = nodes[key[:-1]]
        base_array[node] = bases.get(key, 0)
    return _DoubleArray(nodes, base_array, parent_array)


def _all_free(taken: bytearray, base: int, numbers: Iterable[int]) -> bool:
    for number in numbers:  # noqa: SIM110 (a generator would cost twice the time, and this runs ten million times)
        if taken[base + number]:
            return False
    return True


def _size_class(family: Sequence[int]) -> int:
    """Like for families that are placed together: their size where it is small, else its order of magnitude."""
    return len(family) if len(family) <= _SMALL_FAMILY else _SMALL_FAMILY + len(family).bit_length()


# ---- Hidden Markov model


_STATES = "BEMS"


def _hidden_markov_model(numbers: Mapping[str, int]) -> dict[str, bytes]:
    """The model of jieba for words that are not in its dictionary; what it never saw has the log probability that jieba gives it."""
    never = finalseg.MIN_FLOAT
    emissions = [[never] * len(_STATES)]
    emissions += [[finalseg.emit_P[state].get(char, never) for state in _STATES] for char in numbers]
    probabilities = [finalseg.start_P[state] for state in _STATES]
    probabilities += [finalseg.trans_P[a].get(b, never) for a, b in ("EB", "SB", "BE", "ME", "MM", "BM", "SS", "ES")]
    return {
        "emissions": np.array(emissions, np.float64).tobytes(),
        "hmm": np.array(probabilities, np.float64).tobytes(),
    }


# ---- Features and scores


def _vocabulary(words: Sequence[str], numbers: Mapping[str, int]) -> dict[str, bytes]:
    """The words that are features: their characters, and a hash table by which those outside the dictionary are found."""
    spelled = [[numbers[char] for char in word] for word in words]
    size = 1 << (2 * len(words)).bit_length()
    slots = np.zeros(size, [("hash", "<u4"), ("column", "<i4")])
    slots["column"] = -1
    for column, word in enumerate(spelled):
        code = _hash(word)
        slot = code % size
        while slots[slot]["column"] >= 0:
            slot = (slot + 1) % size
        slots[slot] = (code, column)
    starts = np.cumsum([0, *map(len, spelled)])
    return {
        "vocabulary": slots.tobytes(),
        "word_starts": starts.astype(np.uint32).tobytes(),
        "word_chars": np.array([number for word in spelled for number in word], np.uint16).tobytes(),
    }


def _hash(numbers: Iterable[int]) -> int:
    """FNV-1a, as `hash_of` in features.hpp."""
    code = 2166136261
    for number in numbers:
        code = ((code ^ number) * 16777619) & 0xFFFFFFFF
    return code


def _scores(pipeline: Pipeline, decision: Decision, idf: NDArray[np.float64], log_total: float) -> dict[str, bytes]:
    """Linear models, calibration and decision. A row for each feature: its coefficients, padding, and for words the idf."""
    coefficients = np.vstack([classifier.coef_[0] for classifier in pipeline.classifiers])
    themes, features = coefficients.shape
    rows = np.zeros((features, -(-(themes + 1) // _LANES) * _LANES))
    rows[:, :themes] = coefficients.T
    rows[: len(idf), -1] = idf
    frequencies = np.arange(_TABULATED_FREQUENCIES, dtype=np.float64)
    frequencies[1:] = np.log(frequencies[1:]) + 1
    numbers = {
        "term_freqs": frequencies,
        "rows": rows,
        "settings": [-log_total, decision.primary_share, decision.announced_share, CONCEPT_WEIGHT],
        "intercepts": [classifier.intercept_[0] for classifier in pipeline.classifiers],
        "thresholds": decision.thresholds,
        "review_bands": decision.review_bands,
        "calibration": [(one.coef_[0, 0], one.intercept_[0]) for one in pipeline.calibrators],
    }
    return {name: np.array(values, np.float64).tobytes() for name, values in numbers.items()}
