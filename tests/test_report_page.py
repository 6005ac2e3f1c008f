"""The report page: whole by itself, in order, and with no text of a user's as markup."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.labeller import Theme
from service.documents import Refusal
from service.outputs import Row, Run, open_output

THEMES = (Theme("tech_finance", "科技金融", "", "金融<b>支持</b>。"), Theme("talent", "人才", "", "引才。"))
VOID = {"meta", "input", "rect", "br"}


class Page(HTMLParser):
    """Elements as they open, with the text of each paragraph; fails on a tag that closes another's."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.marked: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "mark":
            self.marked.append((str(dict(attrs)["title"]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "mark" in self._open:
            title, text = self.marked[-1]
            self.marked[-1] = (title, text + data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def make_row(text: str = "引进人才。发放贷款。", /, **fields: Any) -> Row:
    return {
        "file": "资料/某市总结.docx",
        "paragraph": 3,
        "headings": ["总结", "一、人才"],
        "text": text,
        "themes": ["talent"],
        "primary": "talent",
        "scores": {"tech_finance": 0.25, "talent": 0.9},
        "uncertain": [],
        "evidence": [evidence("talent", text, 0, 5)],
        **fields,
    }


def evidence(theme: str, text: str, start: int, end: int) -> dict[str, Any]:
    start, end = min(start, len(text)), min(end, len(text))
    term = {"text": text[start : start + 2], "start": start, "end": min(start + 2, end), "weight": 1.5}
    return {"theme": theme, "text": text[start:end], "start": start, "end": end, "terms": [term]}


def source_of(folder: Path, rows: Sequence[Row], *refusals: Refusal) -> str:
    card = {"thresholds": {"tech_finance": 0.4, "talent": 0.5}}
    run = Run(THEMES, "1.0+abc", card, datetime(2026, 11, 22, 9, 30, tzinfo=UTC), list(refusals))
    with open_output(folder / "报告.html", run) as put:
        for row in rows:
            put(row)
    return (folder / "报告.html").read_text(encoding="utf-8")


def page_of(folder: Path, rows: Sequence[Row], *refusals: Refusal) -> Page:
    return Page(source_of(folder, rows, *refusals))


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = page_of(tmp_path, [make_row()])
    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href", "action"}
    ]
    assert addresses == ["#paragraphs"]
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_only_its_own_style_and_script_may_run(tmp_path: Path) -> None:
    source = source_of(tmp_path, [make_row()])
    (policy,) = [
        str(attributes["content"])
        for tag, attributes in Page(source).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (content,) = re.findall(f"<{kind}>(.*?)</{kind}>", source, re.DOTALL)
        digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    for tag, attributes in Page(source).elements:
        assert not any(name == "style" or name.startswith("on") for name in attributes), tag


def test_documents_and_headings_come_in_order(tmp_path: Path) -> None:
    rows = [
        make_row("甲段。", headings=["总结", "一、人才"]),
        make_row("乙段。", headings=["总结", "一、人才"]),
        make_row("丙段。", headings=["总结", "二、金融", "（一）信贷"], file="资料/某市总结.docx"),
        make_row("丁段。", headings=[], file="资料/别的.txt", lines=[4, 5]),
    ]
    source = source_of(tmp_path, rows)
    body = Page(source[source.index("<main") : source.index("</main>") + 7])
    order = [
        "资料/某市总结.docx",
        "总结",
        "一、人才",
        "甲段。",
        "乙段。",
        "二、金融",
        "（一）信贷",
        "丙段。",
        "资料/别的.txt",
        "丁段。",
    ]
    places = [body.text.index(one) for one in order]
    assert places == sorted(places)
    assert body.text.count("一、人才") == 1, "a heading is given where it changes"
    assert [tag for tag, _ in body.elements if tag in {"h2", "h3", "h4", "h5"}] == ["h2", "h3", "h4", "h4", "h5", "h2"]
    assert "第 4-5 行" in body.text


def test_a_paragraph_says_its_themes_in_words_and_colours(tmp_path: Path) -> None:
    rows = [make_row(uncertain=["tech_finance"]), make_row("修路。", themes=[], primary="other", evidence=[])]
    page = page_of(tmp_path, rows)
    themed, bare = [
        str(attributes["class"]).split() for tag, attributes in page.elements if tag == "p" and "class" in attributes
    ]
    assert {"has-1", "theme-1", "themed", "doubtful"} <= set(themed)
    assert bare == ["has-none"]
    assert re.search("人才 0.90", page.text)
    assert "待复核：科技金融 0.25" in page.text
    assert "无主题" in page.text


def test_evidence_is_marked_also_where_it_overlaps(tmp_path: Path) -> None:
    text = "设立风险池，引进人才。修路。"
    both = [evidence("talent", text, 6, 11), evidence("tech_finance", text, 0, 11)]
    page = page_of(tmp_path, [make_row(text, themes=["tech_finance", "talent"], evidence=both)])
    assert page.marked == [("依据：科技金融", "设立风险池，"), ("依据：人才、科技金融", "引进人才。")]
    titles = [str(attributes["title"]) for tag, attributes in page.elements if tag == "u"]
    assert titles == ["科技金融 +1.5", "人才 +1.5"]


def test_the_summary_counts_by_document_and_heading(tmp_path: Path) -> None:
    rows = [make_row(file=f"资料/{name}.txt", headings=["总结", f"第{name}章"]) for name in "甲甲乙"]
    source = source_of(tmp_path, rows, Refusal("坏.pdf", "打不开。"))
    assert re.search(r'<th scope="row">甲.txt</th><td><svg.*?</svg></td><td>2</td><td>·</td><td>2</td>', source)
    assert "甲.txt › 第甲章" in source
    assert "坏.pdf：打不开。" in source
    assert source.index("概况") < source.index("<main"), "the summary comes first"


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</p></main>",
    "<!--",
    "&lt;",
    "'",
    "\0",
    "\x9b",
    "]]>",
    "𠮷",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_markup(tmp_path: Path, text: str) -> None:
    row = make_row(text, file=text, headings=[text], columns={text: text}, evidence=[evidence("talent", text, 0, 9)])
    page = page_of(tmp_path, [row], Refusal(text, text))
    assert {tag for tag, _ in page.elements} <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "script",
            "body",
            "a",
            "header",
            "h1",
            "h2",
            "h3",
            "p",
            "section",
            "table",
        ),
        *(
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "svg",
            "rect",
            "span",
            "form",
            "fieldset",
            "legend",
            "label",
            "input",
            "small",
        ),
        *(
            "button",
            "output",
            "main",
            "article",
            "b",
            "i",
            "u",
            "mark",
            "footer",
            "dl",
            "dt",
            "dd",
            "ul",
            "li",
            "details",
        ),
        *("summary", "div"),
    }
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
    seen = re.sub("[\0\x9b]", "", text)
    assert seen in page.text
    assert "金融<b>支持</b>。" in page.text, "a theme's definition is text as well"


@given(
    text=st.text(st.characters(codec="utf-8"), max_size=60),
    spans=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=3),
)
def test_any_text_is_shown_whole(
    tmp_path_factory: pytest.TempPathFactory, text: str, spans: list[tuple[int, int]]
) -> None:
    marks = [
        evidence(theme, text, *sorted(span)) for theme, span in zip(["talent", "tech_finance"] * 2, spans, strict=False)
    ]
    page = page_of(tmp_path_factory.mktemp("page"), [make_row(text, evidence=marks)])
    shown = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]", "", text)
    assert re.sub("\r\n?", "\n", shown) in re.sub("\r\n?", "\n", page.text)


def test_a_run_without_paragraphs_makes_a_whole_page(tmp_path: Path) -> None:
    assert "没有可标注的段落" in page_of(tmp_path, []).text
