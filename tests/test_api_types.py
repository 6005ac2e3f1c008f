"""What requests may hold, checked where they are taken apart."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.api_types import (
    LONGEST_DOCUMENT,
    LONGEST_ID,
    MOST_PARAGRAPHS,
    DocumentRequest,
    LabelRequest,
    ParagraphIn,
)
from service.documents import LONGEST_PARAGRAPH


def faults(
    model: type[LabelRequest | DocumentRequest | ParagraphIn], value: object
) -> list[tuple[tuple[Any, ...], str]]:
    """Where and why `value` is refused."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return [(error["loc"], error["msg"]) for error in caught.value.errors()]


@pytest.mark.parametrize("identity", ["1", "", "段-1", "x" * LONGEST_ID, 0, -7, 10 ** (LONGEST_ID - 1)])
def test_an_id_is_given_back_as_it_came(identity: str | int) -> None:
    paragraph = ParagraphIn.model_validate({"id": identity, "text": "甲"})
    assert paragraph.id == identity
    assert type(paragraph.id) is type(identity)


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (True, "应当是字符串或整数"),
        (1.0, "应当是字符串或整数"),
        (float("nan"), "应当是字符串或整数"),
        (None, "应当是字符串或整数"),
        (["1"], "应当是字符串或整数"),
        ("x" * (LONGEST_ID + 1), "过长"),
        (10**LONGEST_ID, "过长"),
        ("a\0", "第 2 个字符是空字符"),
        ("\ud800", "第 1 个字符是不成对的代理码"),
    ],
)
def test_a_wrong_id_is_one_fault_in_one_place(identity: object, message: str) -> None:
    ((location, found),) = faults(ParagraphIn, {"id": identity, "text": "甲"})
    assert location == ("id",)
    assert message in found


@pytest.mark.parametrize(
    ("model", "field", "longest"),
    [
        (ParagraphIn, "text", LONGEST_PARAGRAPH),
        (DocumentRequest, "text", LONGEST_DOCUMENT),
        (DocumentRequest, "name", LONGEST_ID),
    ],
)
def test_texts_are_bounded_and_clean(model: type[ParagraphIn | DocumentRequest], field: str, longest: int) -> None:
    valid = {"id": 1, "text": "甲"} if model is ParagraphIn else {"text": "甲", "name": "乙"}
    taken = model.model_validate(valid | {field: "𠮷" * longest})
    assert len(getattr(taken, field)) == longest
    for value, message in (
        ("甲" * (longest + 1), str(longest)),
        ("甲\0", "空字符"),
        ("甲\udfff", "代理码"),
        (5, "str"),
    ):
        ((location, found),) = faults(model, valid | {field: value})
        assert location == (field,)
        assert message in found


def test_a_batch_has_one_to_a_thousand_paragraphs() -> None:
    paragraph = {"id": 1, "text": ""}
    for count in (1, MOST_PARAGRAPHS):
        assert len(LabelRequest.model_validate({"paragraphs": [paragraph] * count}).paragraphs) == count
    for count in (0, MOST_PARAGRAPHS + 1):
        ((location, _message),) = faults(LabelRequest, {"paragraphs": [paragraph] * count})
        assert location == ("paragraphs",)


def test_an_empty_document_is_refused_and_a_name_is_not_needed() -> None:
    assert DocumentRequest.model_validate({"text": " "}).name == "document"
    ((location, _message),) = faults(DocumentRequest, {"text": ""})
    assert location == ("text",)


def test_unknown_fields_are_named_each() -> None:
    found = faults(ParagraphIn, {"id": 1, "text": "甲", "title": 1, "themes": []})
    assert {location for location, _message in found} == {("title",), ("themes",)}


def test_a_heap_of_unknown_fields_is_one_fault() -> None:
    heap = {str(number): number for number in range(1000)}
    ((location, message),) = faults(LabelRequest, {"paragraphs": [{"id": 1, "text": "甲", **heap}]})
    assert location == ("paragraphs", 0)
    assert "字段过多" in message


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({"id": _json_values, "text": _json_values}) | _json_values)
def test_what_is_taken_can_be_answered(value: object) -> None:
    try:
        paragraph = ParagraphIn.model_validate(value)
    except ValidationError:
        return
    assert paragraph.model_dump() == value
    assert json.loads(paragraph.model_dump_json()) == value
