"""Rows as one web page that needs nothing else: documents in order, paragraphs in the colours of their themes, evidence marked.

All text of users' goes through `_text`; there is no other way from a row into the page. The page's policy lets only its own style and
script run (by their hashes) and nothing be fetched.
"""

import hashlib
import html
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

from service.run import Row, RowWriter, Run
from service.theme_style import theme_css, theme_styles
from service.writers.row_parts import file_of, headings_of, kept_columns, number_of, place_of
from service.writers.row_spool import RowSpool
from service.writers.tally import NO_FILE, Counts, Tally, most_themed

_MOST_BARS = 40
_MOST_OPEN = 12  # longer tables are folded: the paragraphs are what people come for
_MOST_REFUSALS = 2_000
_DEEPEST_HEADING = 6
_NOT_IN_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@contextmanager
def open_writer(path: Path, run: Run) -> Iterator[RowWriter]:
    """Sets rows aside and writes the page at the end: the summary stands above them."""
    tally = Tally(run)
    with RowSpool(path.parent) as spool:

        def write(row: Row) -> None:
            spool.add(row)
            tally.add(row)

        yield write
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(_Page(run).pieces(spool, tally))


def _text(value: object) -> str:
    """Any value as text of the page, in an element or an attribute, and never as markup."""
    return html.escape(_NOT_IN_HTML.sub("", str(value)), quote=True)


def _asset(name: str) -> str:
    return files("service.writers").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


class _Page:
    """The pieces of a page, from top to bottom."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ids = [theme.id for theme in run.themes]
        self._position = {theme: position for position, theme in enumerate(self._ids)}
        self._markers = [style.marker for style in theme_styles(self._ids).values()]
        self._names = [theme.name_zh for theme in run.themes]

    def pieces(self, rows: Iterable[Row], tally: Tally) -> Iterator[str]:
        yield from self._head()
        yield from self._summary(tally)
        yield from self._filters(tally)
        yield '<main id="paragraphs" tabindex="-1">\n'
        yield from self._documents(rows)
        yield "</main>\n"
        yield from self._foot()

    def _head(self) -> Iterator[str]:
        style = _asset("report.css") + self._theme_rules()
        script = _asset("report.js")
        policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
        yield (
            '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
            f"<title>主题标注报告</title>\n<style>{style}</style>\n<script>{script}</script>\n</head>\n<body>\n"
            '<a class="skip" href="#paragraphs">跳到段落</a>\n'
            f"<header><h1>主题标注报告</h1><p>{_text(self._run.started.strftime('%Y 年 %m 月 %d 日 %H:%M'))}"
            f" · 模型 {_text(self._run.model_version)} · policy-themes {_text(version('policy-themes'))}</p></header>\n"
        )

    def _theme_rules(self) -> str:
        """Colours by theme, and what the filters show: for each box that is ticked `main` has a class."""
        kinds = [*map(str, range(len(self._ids))), "none"]
        paragraphs = ",".join(f"main.only-{kind} p.has-{kind}" for kind in kinds)
        parts = ",".join(f"main.only-{kind} :is(section,article):has(p.has-{kind})" for kind in kinds)
        return (
            f"{theme_css(self._ids)}main.filtered p{{display:none}}{paragraphs}{{display:block}}"
            "@supports selector(:has(p)){main.filtered :is(section,article){display:none}"  # else headings stay, empty
            f"{parts}{{display:block}}}}"
        )

    def _summary(self, tally: Tally) -> Iterator[str]:
        total = tally.total
        yield '<section class="summary" aria-labelledby="summary"><h2 id="summary">概况</h2>\n'
        yield (
            f"<p>共 {total.paragraphs:,} 段：有主题 {total.themed:,}，无主题 {total.paragraphs - total.themed:,}，"
            f"建议复核 {total.uncertain:,}。</p>\n"
        )
        yield '<table class="total"><thead><tr><th scope="col">主题</th><th scope="col">段落</th><th scope="col">占比</th><th scope="col"><span class="unseen">图</span></th></tr></thead><tbody>\n'
        for position, count in enumerate(total.themes):
            share = count / total.paragraphs if total.paragraphs else 0.0
            yield (
                f'<tr class="theme-{position}"><th scope="row">{self._label(position)}</th><td>{count:,}</td><td>{share:.1%}</td>'
                f"<td>{_bars([(position, count)], max(total.themes))}</td></tr>\n"
            )
        yield "</tbody></table>\n"
        documents = tally.documents()
        if len(documents) > 1:
            yield from self._part_table("按文件", documents)
        regions = tally.named_regions()
        if regions:
            yield from self._part_table("按标题", regions)
        yield "</section>\n"

    def _part_table(self, title: str, parts: Sequence[tuple[str, Counts]]) -> Iterator[str]:
        drawn = parts if len(parts) <= _MOST_BARS else most_themed(parts, _MOST_BARS)
        note = f"{len(parts):,} 项" + (f"，列出有主题的段落最多的 {_MOST_BARS} 项" if len(drawn) < len(parts) else "")
        heads = "".join(
            f'<th scope="col" class="theme-{position}">{self._label(position)}</th>'
            for position in range(len(self._ids))
        )
        yield (
            f"<details{' open' if len(drawn) <= _MOST_OPEN else ''}><summary><h3>{title}</h3> <small>{note}</small></summary>\n"
            f'<div class="wide" tabindex="0" role="region" aria-label="{title}">'
            f'<table class="parts"><thead><tr><th scope="col">{title[1:]}</th><th scope="col"><span class="unseen">图</span></th>'
            f'<th scope="col">段落</th>{heads}<th scope="col">待复核</th></tr></thead><tbody>\n'
        )
        longest = max(sum(counts.themes) for _, counts in drawn)
        for name, counts in drawn:
            cells = "".join(f"<td>{count or '·'}</td>" for count in counts.themes)
            yield (
                f'<tr><th scope="row">{_text(name)}</th><td>{_bars(list(enumerate(counts.themes)), longest)}</td>'
                f"<td>{counts.paragraphs:,}</td>{cells}<td>{counts.uncertain or '·'}</td></tr>\n"
            )
        yield "</tbody></table></div></details>\n"

    def _filters(self, tally: Tally) -> Iterator[str]:
        yield '<form class="filters" hidden aria-label="筛选段落"><fieldset><legend>只看</legend>'
        for position, count in enumerate(tally.total.themes):
            yield (
                f'<label class="theme-{position}"><input type="checkbox" value="only-{position}">'
                f"{self._label(position)} <small>{count:,}</small></label>"
            )
        without = tally.total.paragraphs - tally.total.themed
        yield (
            f'<label><input type="checkbox" value="only-none">无主题 <small>{without:,}</small></label></fieldset>'
            f'<label class="doubt"><input type="checkbox" value="doubtful">待复核 <small>{tally.total.uncertain:,}</small></label>'
            '<button type="reset">全部显示</button><output></output></form>\n'
        )

    def _documents(self, rows: Iterable[Row]) -> Iterator[str]:
        """Articles of documents, in them a section a heading, in these the paragraphs: what hides all of a part hides its heading."""
        document: str | None = None
        path: list[str] = []
        for row in rows:
            if file_of(row) != document:
                if document is not None:
                    yield "</section>" * len(path) + "</article>\n"
                document, path = file_of(row), []
                yield f"<article><h2>{_text(document or NO_FILE)}</h2>\n"
            headings = headings_of(row)
            same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(path, headings, strict=False))))
            yield "</section>" * (len(path) - same)
            for depth, heading in enumerate(headings[same:], same + 3):
                level = min(depth, _DEEPEST_HEADING)
                yield f"<section><h{level}>{_text(heading)}</h{level}>\n"
            path = headings
            yield self._paragraph(row)
        yield "</section>" * len(path) + "</article>\n" if document is not None else "<p>没有可标注的段落。</p>\n"

    def _paragraph(self, row: Row) -> str:
        themes, doubts = row["themes"], row["uncertain"]
        primary = row["primary"] if row["primary"] in themes else (themes[0] if themes else None)
        classes = [f"has-{self._position[theme]}" for theme in themes] or ["has-none"]
        if primary is not None:
            classes += ["themed", f"theme-{self._position[primary]}"]
        if doubts:
            classes.append("doubtful")
        chips = "".join(
            f'<b class="chip theme-{self._position[theme]}">{self._label(self._position[theme])} {row["scores"][theme]:.2f}</b>'
            for theme in themes
        )
        if doubts:
            named = "、".join(f"{self._run.name_of(theme)} {row['scores'][theme]:.2f}" for theme in doubts)
            chips += f'<b class="chip doubt">？待复核：{_text(named)}</b>'
        place = place_of(row) or (f"第 {number_of(row)} 段" if number_of(row) != "" else "")
        kept = "".join(
            f" · {_text(name)}：{_text(value)}" for name, value in kept_columns(row).items() if value is not None
        )
        return (
            f'<p class="{" ".join(classes)}"><span class="labels">{chips or "<i>无主题</i>"}<small>{_text(place)}{kept}</small></span>'
            f"{self._marked(row)}</p>\n"
        )

    def _label(self, position: int) -> str:
        return f'<span aria-hidden="true">{self._markers[position]}</span> {_text(self._names[position])}'

    def _marked(self, row: Row) -> str:
        """The text with the evidence of its themes, and of those in doubt, marked; what overlaps is cut where one of them ends."""
        text: str = row["text"]
        evidence: list[dict[str, Any]] = row["evidence"]
        terms = [
            (term["start"], term["end"], term["weight"], item["theme"]) for item in evidence for term in item["terms"]
        ]
        edges = {0, len(text)}
        for start, end in [(item["start"], item["end"]) for item in evidence] + [term[:2] for term in terms]:
            edges |= {start, end}
        pieces = []
        open_themes: list[str] = []
        for start, end in pairwise(sorted(edges)):
            over = [item["theme"] for item in evidence if item["start"] <= start < item["end"]]
            if over != open_themes:
                pieces += ["</mark>" if open_themes else "", self._mark(over) if over else ""]
                open_themes = over
            weights = [(theme, weight) for begin, finish, weight, theme in terms if begin <= start < finish]
            piece = _text(text[start:end])
            if weights:
                told = "；".join(f"{self._run.name_of(theme)} {weight:+.1f}" for theme, weight in weights)
                piece = f'<u title="{_text(told)}">{piece}</u>'
            pieces.append(piece)
        return "".join(pieces) + "</mark>" * bool(open_themes)

    def _mark(self, themes: Sequence[str]) -> str:
        names = "、".join(map(self._run.name_of, themes))
        markers = "".join(self._markers[self._position[theme]] for theme in themes)
        first = self._position[themes[0]]
        return f'<mark class="theme-{first}" data-markers="{markers}" title="依据：{_text(names)}">'

    def _foot(self) -> Iterator[str]:
        refusals = self._run.refusals
        if refusals:
            yield f'<section class="refusals"><h2>没能处理的（{len(refusals):,} 处）</h2>\n<ul>\n'
            for refusal in refusals[:_MOST_REFUSALS]:
                yield f"<li>{_text(refusal)}</li>\n"
            if len(refusals) > _MOST_REFUSALS:
                yield f"<li>……另有 {len(refusals) - _MOST_REFUSALS:,} 处</li>\n"
            yield "</ul></section>\n"
        yield "<footer><h2>说明</h2><dl>\n"
        for position, theme in enumerate(self._run.themes):
            yield (
                f'<dt class="theme-{position}">{self._label(position)}</dt>'
                f"<dd>界限 {self._run.threshold_of(theme.id):.2f}。{_text(theme.definition)}</dd>\n"
            )
        yield (
            "</dl><p>标签后的数是校准过的概率，达到该主题的界限就给出这个主题；划线的句子是定下主题的依据，句首的记号说明是哪个主题；其中加粗的词分量最重，"
            "停在词上可以看到它给得分（对数几率）加了多少。“待复核”是模型没有把握的，请人再看。</p></footer>\n</body>\n</html>\n"
        )


def _bars(parts: Sequence[tuple[int, int]], longest: int) -> str:
    """A stacked bar as SVG; its figures stand beside it in the table."""
    scale = 100 / longest if longest else 0.0
    position = 0.0
    drawn = []
    for theme, count in parts:
        if count:
            width = count * scale
            drawn.append(f'<rect class="theme-{theme}" x="{position:.2f}" width="{width:.2f}" height="10"/>')
            position += width
    return f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{"".join(drawn)}</svg>'
