"""Web pages: what a browser shows, and what hostile pages do."""

import time
from pathlib import Path

import pytest

from model.errors import TextError
from model.paragraphs import BlockKind
from service.documents import DocumentBlock, Refusal, read_blocks
from service.readers.web_page import LARGEST_PAGE_BYTES, decode_page

SENTENCE = "全县净增科技型企业三十家。"
FURNITURE, PARAGRAPH, HEADING = BlockKind.FURNITURE, BlockKind.PARAGRAPH, BlockKind.HEADING


def read(tmp_path: Path, body: str | bytes) -> list[DocumentBlock]:
    path = tmp_path / "a.html"
    path.write_bytes(body if isinstance(body, bytes) else f"<!DOCTYPE html><html><body>{body}</body></html>".encode())
    blocks = []
    for item in read_blocks(path, "a.html"):
        assert isinstance(item, DocumentBlock), item
        blocks.append(item)
    return blocks


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (f"<p>{SENTENCE}<p>{SENTENCE}", [SENTENCE, SENTENCE]),
        (f"<div>甲，<br>乙。</div>{SENTENCE}", ["甲，乙。", SENTENCE]),
        ("<p>设立<b>科技</b><a href=x>信贷</a>\n  基金。</p>", ["设立科技信贷基金。"]),
        ("<p>open\n source 软件。</p>", ["open source 软件。"]),
        ("<p>a&nbsp;&lt;b&gt;&amp;&#20013;。</p>", ["a\xa0<b>&中。"]),
        (
            "<script>x</script><style>y</style><p hidden>藏。</p><p style='display: none'>藏。</p><template>藏。</template>甲。",
            ["甲。"],
        ),
        ("<ul><li>一件办成的事；<li>又一件办成的事。</ul>", ["一件办成的事；", "又一件办成的事。"]),
        ("<pre>甲，\n乙。\n丙。</pre>", ["甲，乙。", "丙。"]),
        ("<table><tr><td>人才<td>补贴</table>", ["人才", "补贴"]),
        ("<div hidden><div>藏</div><p>藏</div>甲。", ["甲。"]),
        ("<p>甲。</p></div></span></p>乙。", ["甲。", "乙。"]),
        ("<svg><text>图</text></svg><select><option>选</select>甲。", ["甲。"]),
    ],
)
def test_texts(body: str, texts: list[str], tmp_path: Path) -> None:
    assert [block.text for block in read(tmp_path, body)] == texts


def test_layout_tables_are_no_cells(tmp_path: Path) -> None:
    found = read(
        tmp_path, f"<table><tr><td><table><tr><td>一、总体要求</td></tr></table><p>{SENTENCE}</p></td></tr></table>"
    )
    assert found[0].kind is HEADING


@pytest.mark.parametrize(
    "menu",
    [
        "<nav>首页</nav>",
        "<div class='main-menu'><div>政务</div><div>公开</div></div>",
        "<footer><p>青石市人民政府办公室</p></footer>",
        "<ul><li><a>新闻一则</a><li><a>新闻二则</a><li><a>新闻三则</a></ul>",
        "<p id='breadcrumb'>政策</p>",
    ],
)
def test_menus_are_furniture(menu: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"<p>{SENTENCE}</p>{menu}<p>{SENTENCE}</p>")
    assert found[0].kind is found[-1].kind is PARAGRAPH
    assert {block.kind for block in found[1:-1]} == {FURNITURE}


def test_text_in_what_is_called_a_menu_is_no_menu(tmp_path: Path) -> None:
    long = SENTENCE * 4
    assert [
        block.kind for block in read(tmp_path, f"<div class='content side'><p>{long}</p><p>{SENTENCE}</p></div>")
    ] == [PARAGRAPH] * 2


def test_headings_and_lines(tmp_path: Path) -> None:
    found = read(tmp_path, f"\n<h1>规划</h1>\n<h2>任务</h2>\n<p>甲，\n{SENTENCE}</p>")
    assert [(block.kind, block.place["lines"]) for block in found] == [
        (HEADING, [2, 2]),
        (HEADING, [3, 3]),
        (PARAGRAPH, [4, 5]),
    ]
    assert found[-1].headings == ("规划", "任务")


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("gb18030", "gb2312"),
        ("gb18030", "gbk"),
        ("utf-8", "gb2312"),
        ("utf-8-sig", "x"),
        ("utf-16", "x"),
        ("big5", "big5"),
        ("gb18030", ""),
    ],
)
def test_encodings(encoding: str, declared: str) -> None:
    page = f"<html><head><meta charset='{declared}'></head>科技計畫，第１期"
    assert decode_page(page.encode(encoding)).endswith("科技計畫，第１期")


def test_one_broken_character_does_not_lose_a_page_but_many_do() -> None:
    page = "<meta charset=utf-8>" + SENTENCE * 50
    assert decode_page(page.encode() + b"\xff").startswith(page)
    with pytest.raises(TextError):
        decode_page(b"<meta charset=utf-8>" + b"\xff\xfe\xfd" * 100)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<div>" * 100_000 + SENTENCE, id="deep"),
        pytest.param("<p " + " ".join(f"a{number}=1" for number in range(20_000)) + f">{SENTENCE}", id="attributes"),
        pytest.param("<p><span><b>文" * 10_000 + f"<p>{SENTENCE}", id="never closed"),
        pytest.param("<div>" * 50_000 + "</span></p>" * 50_000 + SENTENCE, id="closed wrongly"),
        pytest.param("<nav>" * 20_000 + "<p>甲" * 20_000 + "</nav>" * 20_000 + f"<p>{SENTENCE}", id="menus in menus"),
    ],
)
def test_hostile_pages_are_read_in_seconds_and_lose_no_text(body: str, tmp_path: Path) -> None:
    started = time.process_time()
    assert SENTENCE in read(tmp_path, body)[-1].text
    assert time.process_time() - started < 8


def test_a_page_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    with path.open("wb") as file:
        file.write(b"<html>")
        file.truncate(LARGEST_PAGE_BYTES + 1)
    (item,) = read_blocks(path, "a.html")
    assert isinstance(item, Refusal)
    assert "MB" in item.message
