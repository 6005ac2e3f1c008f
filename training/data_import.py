"""Adds what people said of the model's labels to a data folder, as records with their source; what does not fit is refused."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ValidationError

from model.errors import DataError
from model.text import normalise
from model.whole_file import replace_file
from training.dataset import Dataset, Document, ParagraphRecord, ParagraphReview, ReviewSource, read_dataset
from training.feedback_file import FEEDBACK_SUFFIXES, read_feedback
from training.near_duplicates import NearDuplicateIndex
from training.review_workbook import WORKBOOK_SUFFIXES, read_review_workbook
from training.verdict import RefusedVerdict, Verdict, Verdicts

REVIEWS = "paragraphs/reviews.jsonl"
_DOCUMENTS = "documents.jsonl"
_DIGITS = 16  # of a SHA-256, in ids


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        added: ids of the records that are new.
        known: how many verdicts were there already, word for word.
        unreviewed: rows that nobody has reviewed.
        superseded: feedback that later feedback on the same text took back.
        refused: what does not fit, in order.
        written: whether the data folder was changed.
    """

    added: tuple[str, ...]
    known: int
    unreviewed: int
    superseded: int
    refused: tuple[RefusedVerdict, ...]
    written: bool


def import_reviews(file: Path, folder: Path, *, reviewer: str, skip_refused: bool, today: date) -> Imported:
    """Add the verdicts in `file` to the data in `folder`; nothing is written where one is refused, unless those are to be skipped.

    Importing the same file again adds nothing.

    Args:
        file: a workbook of results whose sheet 待复核 was corrected, or an exported feedback file.
        folder: laid out as `datasets/README.md` says.
        reviewer: who stands behind feedback; a workbook names its reviewers.
        skip_refused: whether to add the rest where some verdicts are refused.
        today: the date of verdicts that have none.

    Raises:
        DataError: the file or the data folder cannot be read.
        OSError: the data folder cannot be written.
    """
    if not file.is_file():
        raise DataError(f"找不到文件 {file}。")
    dataset = read_dataset(folder)
    suffix = file.suffix.lower()
    if suffix in WORKBOOK_SUFFIXES:
        verdicts = read_review_workbook(file, dataset.themes, today)
    elif suffix in FEEDBACK_SUFFIXES:
        verdicts = read_feedback(file, dataset.themes, reviewer, today)
    else:
        raise DataError(
            f"不认识 {file.name}：应是 policy-label 输出并复核过的工作簿（.xlsx），或导出的反馈（.jsonl）。"
        )
    return _import(verdicts, dataset, folder, skip_refused)


def _import(verdicts: Verdicts, dataset: Dataset, folder: Path, skip_refused: bool) -> Imported:
    taken = {paragraph.text: paragraph for paragraph in dataset.paragraphs}
    index = NearDuplicateIndex()
    for paragraph in dataset.paragraphs:
        index.add(paragraph.id, paragraph.text)
    documents: dict[str, Document] = {}
    added: list[ParagraphRecord] = []
    known = 0
    refused = list(verdicts.refused)
    places: dict[str, str] = {}
    for verdict in verdicts.found:
        document = _document(verdict)
        try:
            record = _record(verdict, document)
        except _MisfitError as error:
            refused.append(RefusedVerdict(verdict.where, error.field, str(error)))
            continue
        same = taken.get(record.text)
        if same is not None and _says_the_same(same, record):
            known += 1
            continue
        problem = _repetition(same, record, index, places)
        if problem is not None:
            refused.append(RefusedVerdict(verdict.where, "正文", problem))
            continue
        taken[record.text] = record
        index.add(record.id, record.text)
        places[record.id] = verdict.where
        added.append(record)
        documents.setdefault(document.id, document)
    written = bool(added) and (skip_refused or not refused)
    if written:
        _append(folder / _DOCUMENTS, (one for one in documents.values() if one.id not in dataset.documents))
        _append(folder / REVIEWS, added)
    ids = tuple(record.id for record in added)
    return Imported(ids, known, verdicts.unreviewed, verdicts.superseded, tuple(refused), written)


class _MisfitError(Exception):
    """A verdict that the data have no place for."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _record(verdict: Verdict, document: Document) -> ParagraphRecord:
    if not normalise(verdict.text).text:
        raise _MisfitError("正文", "没有文字")
    try:
        return ParagraphRecord(
            id=f"review-p-{_digest(verdict.text)}",
            document=document.id,
            text=verdict.text,
            themes=list(verdict.themes),
            primary=verdict.primary,
            labelled="reviewed",
            review=ParagraphReview(place=verdict.place, predicted=list(verdict.predicted), note=verdict.note),
        )
    except ValidationError:  # all else has been read already
        raise _MisfitError("正文", f"有 {len(verdict.text):,} 字，训练数据的一段最多 2,000 字") from None


def _document(verdict: Verdict) -> Document:
    """The document that holds this reviewer's verdicts of this day on this model's labels of this file."""
    source = ReviewSource(file=verdict.file, model=verdict.model, reviewer=verdict.reviewer, date=verdict.reviewed)
    return Document(
        id=f"review-{_digest(source.file, source.model, source.reviewer, source.date.isoformat())}",
        collection=f"review-{_digest(source.file)}",
        genre="unknown",
        title=PurePosixPath(source.file.replace("\\", "/")).stem or "（未注明文件）",
        origin="review",
        review=source,
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def _says_the_same(known: ParagraphRecord, record: ParagraphRecord) -> bool:
    return known.labelled == "reviewed" and set(known.themes) == set(record.themes) and known.primary == record.primary


def _repetition(
    same: ParagraphRecord | None, record: ParagraphRecord, index: NearDuplicateIndex, places: dict[str, str]
) -> str | None:
    """Why `record` cannot stand beside what is there, if so; `places` are those of the records that this import brings."""
    if same is not None:
        verdict = f"{'、'.join(same.themes) or '无主题'}，主要主题 {same.primary or '未指明'}"
        return f"与{_named(same.id, places)}正文相同，那里的结论是：{verdict}"
    near = index.repeated_by(record.id, record.text)
    if near:
        closest = max(near, key=lambda pair: pair.similarity)
        return f"与{_named(closest.first, places)}近似重复（相似度 {closest.similarity:.2f}）"
    return None


def _named(identity: str, places: dict[str, str]) -> str:
    return places.get(identity) or f"已有记录 {identity} "


def _append(path: Path, records: Iterable[BaseModel]) -> None:
    """Add lines to a file of JSON Lines, which keeps its old content should anything fail."""
    lines = [record.model_dump_json(exclude_defaults=True) + "\n" for record in records]
    if not lines:
        return
    before = path.read_bytes() if path.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    replace_file(path, before + "".join(lines).encode(), path.stat().st_mode if path.exists() else 0o644)


def describe(imported: Imported) -> Sequence[str]:
    """What an import did, as sentences for the maintainer."""
    refused = [str(one) for one in imported.refused]
    counts = [
        f"新的 {len(imported.added)} 段",
        f"已导入过的 {imported.known} 段",
        f"没有复核的 {imported.unreviewed} 行",
        *([f"被后来的反馈取代的 {imported.superseded} 条"] if imported.superseded else []),
        f"不合的 {len(refused)} 行",
    ]
    if imported.written:
        outcome = "新的已写入数据文件夹" + ("，不合的略过。" if refused else "。")
    elif imported.added:
        outcome = "什么也没有写入：请改正不合的行，或加 --skip-refused 略过它们。"
    else:
        outcome = "没有新的可以写入。"
    return [*refused, f"{'，'.join(counts)}。{outcome}"]
