"""Reads the data folder and refuses, by file and line, what is not as `datasets/README.md` says."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError, model_validator

from model.errors import DataError
from model.label import NO_THEME
from model.labeller import Theme
from model.lexicon import Lexicon, Term
from model.text import normalise

THEME_KINDS = ("strong", "weak", "negative", "context")
SHARED = "shared"
SHARED_KINDS = ("action", "result", "slogan", "list", "name", "technology", "money_public", "agriculture_social")
GENRES = Literal[
    "work_summary",
    "work_report",
    "plan",
    "measures",
    "regulation",
    "notice",
    "news",
    "speech",
    "research",
    "ocr",
    "unknown",
]
RESEMBLES = Literal[
    "general_credit",
    "rural_credit",
    "industry_fund",
    "fiscal_money",
    "investment_attraction",
    "financial_risk",
    "listing_general",
    "double_support",
    "defence_mobilisation",
    "veterans",
    "army_unity",
    "war_metaphor",
    "military_background",
    "talent_slogan",
    "labour",
    "teachers_cadres",
    "student_startup",
    "talent_housing_name",
    "tech_transfer",
    "sci_award",
    "ip_name_only",
    "park",
    "incubate_figure",
]
_LEXICON_COLUMNS = ["term", "theme", "kind", "also", "note"]

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ThemeRecord(_Record):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    name_zh: Annotated[str, StringConstraints(min_length=1)]
    name_en: Annotated[str, StringConstraints(min_length=1)]
    definition: Annotated[str, StringConstraints(min_length=1)]


class ReviewSource(_Record):
    """Whose verdicts on which model's labels of which file a document holds, and when they were imported or given."""

    file: str
    model: str
    reviewer: Annotated[str, StringConstraints(min_length=1)]
    date: date


class Document(_Record):
    """A document that records belong to: written for this project, or one whose labels people reviewed.

    Documents of one `collection` share a writer and an assignment, or are reviews of one file; cross-validation never parts them.
    """

    id: Id
    collection: Id
    genre: GENRES
    year: int | None = None
    place: str = ""
    title: str
    origin: Literal["written", "review"]
    review: ReviewSource | None = None

    @model_validator(mode="after")
    def _check_origin(self) -> "Document":
        if self.origin == "written" and (self.year is None or self.genre == "unknown" or self.review is not None):
            raise ValueError("origin 是 written 时应有 genre、year，没有 review")
        if self.origin == "review" and self.review is None:
            raise ValueError("origin 是 review 时应有 review")
        return self


class LabelledSentence(_Record):
    """A sentence inside a paragraph; `resembles` names the theme look-alikes that it holds."""

    text: Text
    themes: list[str]
    resembles: list[RESEMBLES] = []


class SentenceRecord(LabelledSentence):
    """A sentence that stands alone."""

    id: Id
    document: Id
    labelled: Literal["written", "confirmed", "adjudicated"]


class ParagraphReview(_Record):
    """What a reviewer had before them: the paragraph's place in its file, what the model said; and what they noted."""

    place: dict[str, Any] = {}
    predicted: list[str]
    note: str = ""


class ParagraphRecord(_Record):
    """A paragraph; its `sentences` in order make up its text, and say which of them bears which theme.

    Of a paragraph that was `reviewed` only its own themes are known, and `sentences` is left out; `primary` is None where the reviewer
    did not say.
    """

    id: Id
    document: Id
    text: Text
    themes: list[str]
    primary: str | None = None
    sentences: list[LabelledSentence] | None = None
    labelled: Literal["written", "confirmed", "adjudicated", "reviewed"]
    review: ParagraphReview | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """All training data, checked.

    `digest` is the SHA-256 over all files that were read: the same digest, the same data.
    """

    themes: tuple[Theme, ...]
    lexicon: Lexicon
    documents: dict[str, Document]
    sentences: tuple[SentenceRecord, ...]
    paragraphs: tuple[ParagraphRecord, ...]
    digest: str

    @property
    def theme_ids(self) -> list[str]:
        """Ids of the themes, in order."""
        return [theme.id for theme in self.themes]


def read_dataset(folder: Path) -> Dataset:
    """Read and check the data folder.

    Raises:
        DataError: something is missing or wrong; the message names file, line and field, one a line, the first twenty.
    """
    reader = _Reader(folder)
    themes = reader.themes("themes.json")
    documents: dict[str, Document] = {}
    for place, document in reader.records("documents.jsonl", Document):
        if document.id in documents:
            reader.fault(place, "id", f"编号 {document.id} 已经用过")
        documents[document.id] = document
    seen: dict[str, str] = {}
    sentences = []
    for name in reader.names("sentences"):
        for place, sentence in reader.records(name, SentenceRecord):
            reader.check_record(place, sentence, documents, seen)
            reader.check_themes(place, sentence.themes, themes)
            sentences.append(sentence)
    paragraphs = []
    for name in reader.names("paragraphs"):
        for place, paragraph in reader.records(name, ParagraphRecord):
            reader.check_record(place, paragraph, documents, seen)
            reader.check_paragraph(place, paragraph, themes)
            paragraphs.append(paragraph)
    terms = reader.lexicon("lexicon.tsv", themes)
    if not sentences or not paragraphs:
        reader.fault(str(folder), "sentences、paragraphs", "没有一条记录")
    reader.raise_faults()
    return Dataset(themes, Lexicon(terms), documents, tuple(sentences), tuple(paragraphs), reader.digest())


_MOST_FAULTS = 20
_RecordType = TypeVar("_RecordType", bound=_Record)


class _Reader:
    """Reads the files of one data folder, gathers what is wrong with them, and digests what it read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._faults: list[str] = []
        self._hash = hashlib.sha256()
        if not folder.is_dir():
            raise DataError(f"找不到数据文件夹 {folder}。")

    def read(self, name: str) -> str:
        try:
            content = (self._folder / name).read_bytes()
        except OSError as error:
            raise DataError(f"不能读取 {self._folder / name}（{error.strerror}）。") from None
        content = content.replace(b"\r\n", b"\n")  # a checkout on Windows must not change the digest
        self._hash.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise DataError(f"{self._folder / name} 第 {line} 行：不是 UTF-8 编码。") from None

    def themes(self, name: str) -> tuple[Theme, ...]:
        """The themes; where they are wrong nothing else can be checked, so that this raises at once."""
        place = str(self._folder / name)
        try:
            records = TypeAdapter(list[_ThemeRecord]).validate_json(self.read(name))
        except ValidationError as error:
            records = []
            self._put_down(place, error)
        ids = [record.id for record in records]
        if len(set(ids)) != len(ids) or {NO_THEME, SHARED} & set(ids):
            self.fault(place, "id", f"编号重复，或用了保留的编号（{NO_THEME}、{SHARED}）")
        if not records and not self._faults:
            self.fault(place, "（整个文件）", "没有一个主题")
        self.raise_faults()
        return tuple(Theme(**record.model_dump()) for record in records)

    def names(self, subfolder: str) -> list[str]:
        return sorted(f"{subfolder}/{path.name}" for path in (self._folder / subfolder).glob("*.jsonl"))

    def digest(self) -> str:
        return self._hash.hexdigest()

    def fault(self, place: str, field: str, message: str) -> None:
        self._faults.append(f"{place}，字段 {field}：{message}")

    def raise_faults(self) -> None:
        if self._faults:
            more = len(self._faults) - _MOST_FAULTS
            rest = [f"……另有 {more} 处错误"] if more > 0 else []
            raise DataError("\n".join([*self._faults[:_MOST_FAULTS], *rest]))

    def records(self, name: str, record_type: type[_RecordType]) -> Iterator[tuple[str, _RecordType]]:
        """The records of one file of JSON Lines, each with its place for messages; wrong ones are put down as faults."""
        for number, line in enumerate(self.read(name).split("\n"), 1):
            if not line.strip():
                continue
            place = f"{self._folder / name} 第 {number} 行"
            try:
                yield place, record_type.model_validate_json(line)
            except ValidationError as error:
                self._put_down(place, error)

    def _put_down(self, place: str, error: ValidationError) -> None:
        for item in error.errors(include_url=False):
            self.fault(place, ".".join(map(str, item["loc"])) or "（整行）", item["msg"])

    def check_record(
        self,
        place: str,
        record: SentenceRecord | ParagraphRecord,
        documents: dict[str, Document],
        seen: dict[str, str],
    ) -> None:
        if record.id in seen:
            self.fault(place, "id", f"编号 {record.id} 已在 {seen[record.id]} 用过")
        seen[record.id] = place
        if record.document not in documents:
            self.fault(place, "document", f"documents.jsonl 里没有 {record.document}")
        if not normalise(record.text).text:
            self.fault(place, "text", "没有文字")

    def check_themes(self, place: str, found: Sequence[str], themes: Sequence[Theme], field: str = "themes") -> None:
        known = [theme.id for theme in themes]
        for theme in found:
            if theme not in known:
                self.fault(place, field, f"没有主题 {theme}；可用：{'、'.join(known)}")
        if len(set(found)) != len(found):
            self.fault(place, field, "主题重复")

    def check_paragraph(self, place: str, paragraph: ParagraphRecord, themes: Sequence[Theme]) -> None:
        self.check_themes(place, paragraph.themes, themes)
        if paragraph.sentences is not None:
            self.check_sentences(place, paragraph, paragraph.sentences, themes)
        elif paragraph.labelled != "reviewed":
            self.fault(place, "sentences", "缺少各句的主题；只有复核过的段落（labelled 为 reviewed）可以没有")
        if paragraph.primary is None and paragraph.labelled != "reviewed":
            self.fault(place, "primary", "缺少主要主题；只有复核过的段落（labelled 为 reviewed）可以没有")
        if paragraph.primary not in {*paragraph.themes, NO_THEME, None}:
            self.fault(place, "primary", f"{paragraph.primary} 不在本段主题之中，也不是 {NO_THEME}")

    def check_sentences(
        self,
        place: str,
        paragraph: ParagraphRecord,
        sentences: Sequence[LabelledSentence],
        themes: Sequence[Theme],
    ) -> None:
        for index, sentence in enumerate(sentences):
            self.check_themes(place, sentence.themes, themes, f"sentences.{index}.themes")
            if sentence.text not in paragraph.text:
                self.fault(place, f"sentences.{index}.text", "这句话不在段落正文里")
        if "".join(sentence.text for sentence in sentences) != paragraph.text:
            self.fault(place, "sentences", "各句连起来与段落正文不一致")
        if set(paragraph.themes) != {theme for sentence in sentences for theme in sentence.themes}:
            self.fault(place, "themes", "与各句的主题之和不一致")

    def lexicon(self, name: str, themes: Sequence[Theme]) -> list[Term]:
        allowed = {f"{theme.id}:{kind}" for theme in themes for kind in THEME_KINDS}
        allowed |= {f"{SHARED}:{kind}" for kind in SHARED_KINDS}
        header, *rows = [line.split("\t") for line in self.read(name).removesuffix("\n").split("\n")]
        if header != _LEXICON_COLUMNS:
            self.fault(f"{self._folder / name} 第 1 行", "（表头）", f"应为 {'、'.join(_LEXICON_COLUMNS)}")
            return []
        terms: dict[str, Term] = {}
        for number, row in enumerate(rows, 2):
            place = f"{self._folder / name} 第 {number} 行"
            if len(row) != len(_LEXICON_COLUMNS):
                self.fault(place, "（整行）", f"应有 {len(_LEXICON_COLUMNS)} 列，却有 {len(row)} 列")
                continue
            text, theme, kind, also, _note = row
            concepts = (f"{theme}:{kind}", *filter(None, also.split(",")))
            for concept in concepts:
                if concept not in allowed:
                    self.fault(place, "theme、kind、also", f"没有类别 {concept}")
            if text != normalise(text).text.lower():
                self.fault(place, "term", f"“{text}”不是规范写法，应为“{normalise(text).text.lower()}”")
            if len(text) < 2:
                self.fault(place, "term", "至少两个字")
            elif text in terms:
                self.fault(place, "term", f"“{text}”重复")
            else:
                terms[text] = Term(text, concepts)
        return list(terms.values())


def sizes(dataset: Dataset) -> dict[str, Any]:
    """Digest and sizes of `dataset`, as JSON values."""
    return {
        "digest": dataset.digest,
        "documents": len(dataset.documents),
        "sentences": len(dataset.sentences),
        "paragraphs": len(dataset.paragraphs),
        "terms": len(dataset.lexicon.terms),
    }
