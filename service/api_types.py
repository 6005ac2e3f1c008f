"""What the HTTP service takes and gives, with examples for its documentation."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from model.errors import TextError
from model.text import check_text
from service.documents import LONGEST_PARAGRAPH

MOST_PARAGRAPHS = 1_000
LONGEST_DOCUMENT = 2_000_000
LONGEST_ID = 256

EXAMPLE_TEXT = "设立科技信贷风险补偿资金池，支持合作银行为科技型中小企业提供知识产权质押贷款。"
_MOST_FIELDS = 20  # each unknown one is an error to report: a million of them took 3 GB


def _checked(value: object) -> object:
    if isinstance(value, str):
        try:
            check_text(value)
        except TextError as error:
            raise ValueError(str(error)) from None
    return value


def _checked_id(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("应当是字符串或整数")
    if len(str(value)) > LONGEST_ID:
        raise ValueError(f"过长，最多 {LONGEST_ID}")
    return _checked(value)


_NO_NUL = Field(json_schema_extra={"pattern": r"^[^\u0000]*$"})  # for those who read the schema; `_checked` checks
CleanText = Annotated[str, BeforeValidator(_checked), _NO_NUL]


class Strict(BaseModel):
    """A request of which every field is known, and as it is declared."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _bound_fields(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) > _MOST_FIELDS:
            raise ValueError("字段过多")
        return value


class ParagraphIn(Strict):
    """One paragraph to label."""

    id: Annotated[Annotated[str, Field(max_length=LONGEST_ID), _NO_NUL] | int, BeforeValidator(_checked_id)] = Field(
        description="段落编号，原样返回", examples=["1"], union_mode="left_to_right"
    )
    text: CleanText = Field(max_length=LONGEST_PARAGRAPH, description="段落正文", examples=[EXAMPLE_TEXT])


class LabelRequest(Strict):
    """A batch of paragraphs."""

    paragraphs: list[ParagraphIn] = Field(min_length=1, max_length=MOST_PARAGRAPHS)


class DocumentRequest(Strict):
    """The text of a whole document, lines as they stand in it."""

    text: CleanText = Field(
        min_length=1,
        max_length=LONGEST_DOCUMENT,
        description="文件全文，保留换行",
        examples=[f"一、强化科技金融支撑\n{EXAMPLE_TEXT}"],
    )
    name: CleanText = Field(default="document", max_length=LONGEST_ID, description="文件名，原样返回")


class TermOut(BaseModel):
    """A stretch of evidence; `weight` is what it added to the theme's raw score, in logits."""

    text: str
    start: int
    end: int
    weight: float


class EvidenceOut(BaseModel):
    """The sentence that decided for a theme; offsets count characters of the paragraph's text."""

    theme: str
    text: str
    start: int
    end: int
    terms: list[TermOut]


class LabelOut(BaseModel):
    """The themes of a paragraph."""

    themes: list[str] = Field(description="主题编号，可多个，也可为空", examples=[["tech_finance"]])
    primary: str = Field(description="主要主题；没有时为 other", examples=["tech_finance"])
    scores: dict[str, float] = Field(description="每个主题的校准概率")
    uncertain: list[str] = Field(description="建议人工复核的主题")
    evidence: list[EvidenceOut]


class ResultOut(LabelOut):
    """The label of one paragraph of a batch."""

    id: str | int


class LabelResponse(BaseModel):
    """Labels in the order of the request."""

    model: str = Field(description="模型版本")
    results: list[ResultOut]


class PlaceOut(BaseModel):
    """Where a block stands; which fields there are depends on the kind of file."""

    lines: tuple[int, int] | None = Field(default=None, description="文本：起止行，从 1 开始")
    pages: tuple[int, int] | None = Field(default=None, description="PDF：起止页")
    sheet: str | None = Field(default=None, description="表格：工作表")
    row: int | None = Field(default=None, description="表格：行号，表头为 1")
    columns: dict[str, Any] | None = Field(default=None, description="表格：这一行的其他列")


class DocumentParagraphOut(PlaceOut, LabelOut):
    """A paragraph of a document, its place and its label."""

    file: str
    paragraph: int = Field(description="段落序号，从 1 开始")
    headings: list[str] = Field(description="所属标题，由外到内")
    text: str


class RecordOut(LabelOut):
    """A row of JSON Lines: its own fields, and its label."""

    model_config = ConfigDict(extra="allow")

    id: str | int
    text: str


class OtherBlockOut(PlaceOut):
    """A block that is not labelled."""

    kind: Literal["heading", "byline", "furniture"]
    file: str
    text: str
    headings: list[str] = Field(description="它上面的标题，由外到内")


class ParagraphBlockOut(BaseModel):
    """A paragraph, by its number in `results`."""

    kind: Literal["paragraph"]
    result: int = Field(description="在 results 里的序号，从 0 开始")


class RefusalOut(BaseModel):
    """A part of the document that could not be read or labelled; the rest is there."""

    file: str
    line: int | None = None
    page: int | None = None
    kind: str = Field(examples=["too_large"])
    message: str
    columns: list[str] = Field(default=[], description="unknown_text_column：可以选作正文的列，可能性大的在前")


class DocumentResponse(BaseModel):
    """A document: its paragraphs labelled, and all its blocks in order."""

    model: str
    results: list[DocumentParagraphOut | RecordOut]
    blocks: list[OtherBlockOut | ParagraphBlockOut] = Field(description="文件的全部内容，按原文顺序")
    refusals: list[RefusalOut] = Field(description="没有处理的部分和原因")


_ThemeId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$", examples=["tech_finance"])]
_Version = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,79}$", examples=["0.1.0+1a2b3c4d5e"])]


class FeedbackRequest(Strict):
    """What the themes of a paragraph should be."""

    text: CleanText = Field(min_length=1, max_length=LONGEST_PARAGRAPH, examples=[EXAMPLE_TEXT])
    themes: list[_ThemeId] = Field(
        max_length=_MOST_FIELDS, description="应有的主题；没有则为空", examples=[["tech_finance"]]
    )
    primary: _ThemeId | None = Field(default=None, description="主要主题；没有时为 other", examples=["tech_finance"])
    model: _Version = Field(description="给出标注的模型版本")
    predicted: list[_ThemeId] = Field(max_length=_MOST_FIELDS, description="模型给出的主题", examples=[[]])
    file: CleanText | None = Field(default=None, max_length=1024)
    paragraph: int | None = Field(default=None, ge=1, le=2**53)
    note: CleanText | None = Field(default=None, max_length=2_000, description="说明")
    key: CleanText | None = Field(
        default=None, min_length=1, max_length=128, description="幂等键：同一个键的重复提交只记一次"
    )


class FeedbackResponse(BaseModel):
    """That the correction is kept."""

    id: int
    text_sha256: str


class ThemeOut(BaseModel):
    """A theme that the model knows."""

    id: str
    name_zh: str
    name_en: str
    definition: str


class ThemesResponse(BaseModel):
    """The themes, in the order in which they are listed everywhere."""

    themes: list[ThemeOut]


class ModelResponse(BaseModel):
    """What the served model is made of and how well it did."""

    version: str
    path: str = Field(description="标注所用的代码：fast（快速内核）或 plain（普通路径），结果相同", examples=["fast"])
    themes: list[str]
    thresholds: dict[str, float]
    data: dict[str, Any] = Field(description="训练数据的摘要和规模")
    libraries: dict[str, str] = Field(description="训练时的软件版本")
    scores: dict[str, Any] = Field(description="训练时交叉验证的成绩")


class ModelEntry(BaseModel):
    """A model that can be served."""

    version: str
    active: bool = Field(description="是否正在使用")


class ModelsResponse(BaseModel):
    """The models that can be served, the newest first."""

    models: list[ModelEntry]


class Status(BaseModel):
    """Whether the service is up."""

    status: str = Field(examples=["ok"])
    model: str | None = None
    fault: str | None = Field(default=None, description="最近一次换模型没有成功的原因；原来的模型仍在使用")


def request_body(model: type[BaseModel], *, others: dict[str, Any] | None = None) -> dict[str, Any]:
    """For the documentation of an address that reads its body itself: the body is a `model`, or one of `others` by content type."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}, **(others or {})}}}
