"""Reads the verdicts that users of the web page and the service gave: JSON Lines, as `/v1/feedback/export` writes them."""

import codecs
import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from model.errors import DataError
from model.label import NO_THEME
from model.labeller import Theme
from training.verdict import RefusedVerdict, Verdict, Verdicts

FEEDBACK_SUFFIXES = frozenset({".jsonl", ".ndjson"})


class _Feedback(BaseModel):
    """One line; fields that are not needed here are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str
    themes: list[str]
    primary: str | None = None
    model: str
    predicted: list[str]
    note: str | None = None
    file: str | None = None
    paragraph: int | None = None
    text_sha256: str | None = None
    at: datetime | None = None


class _RefusedFieldError(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def read_feedback(path: Path, themes: Sequence[Theme], reviewer: str, today: date) -> Verdicts:
    """The last verdict on each text: the page sends one with every change, and a later one takes the earlier back.

    Blank lines are passed over.

    Args:
        path: the exported file.
        themes: of the data folder.
        reviewer: who stands behind the feedback, which does not say.
        today: the date of feedback that has none.

    Raises:
        DataError: the file is not UTF-8.
    """
    verdicts = Verdicts()
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise DataError(f"{path}：不是 UTF-8 编码的 JSON Lines 文件。") from None
    last_words: dict[str, tuple[str, _Feedback]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path.name} 第 {number} 行"
        try:
            feedback = _Feedback.model_validate_json(line)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                field = ".".join(map(str, item["loc"])) or "（整行）"
                verdicts.refused.append(RefusedVerdict(where, f"字段 {field}", item["msg"]))
            continue
        verdicts.superseded += feedback.text in last_words
        last_words[feedback.text] = (where, feedback)
    for where, feedback in last_words.values():
        try:
            verdicts.found.append(_verdict(where, feedback, themes, reviewer, today))
        except _RefusedFieldError as error:
            verdicts.refused.append(RefusedVerdict(where, f"字段 {error.field}", error.message))
    return verdicts


def _verdict(where: str, feedback: _Feedback, themes: Sequence[Theme], reviewer: str, today: date) -> Verdict:
    known = [theme.id for theme in themes]
    for field, ids in (("themes", feedback.themes), ("predicted", feedback.predicted)):
        for theme in ids:
            if theme not in known:
                raise _RefusedFieldError(field, f"没有主题 {theme}；可用：{'、'.join(known)}")
    primary = feedback.primary
    if primary is None and not feedback.themes:
        primary = NO_THEME
    if primary is not None and primary not in {*feedback.themes, NO_THEME}:
        raise _RefusedFieldError("primary", f"{primary} 不在本段主题之中，也不是 {NO_THEME}")
    try:
        digest = hashlib.sha256(feedback.text.encode()).hexdigest()
    except UnicodeEncodeError:
        raise _RefusedFieldError("text", "含不成对的代理码") from None
    if feedback.text_sha256 not in {None, digest}:
        raise _RefusedFieldError("text_sha256", "与正文不符：正文改动过")
    return Verdict(
        where,
        feedback.text,
        tuple(theme for theme in known if theme in feedback.themes),
        primary,
        tuple(feedback.predicted),
        feedback.model,
        feedback.file or "",
        reviewer,
        feedback.at.date() if feedback.at else today,
        feedback.note or "",
        {} if feedback.paragraph is None else {"paragraph": feedback.paragraph},
    )
