import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.paragraphs import Block, BlockKind, LineEnd, SourceLine, split_blocks
from model.text import normalise

HEADING, BYLINE, FURNITURE, PARAGRAPH = BlockKind.HEADING, BlockKind.BYLINE, BlockKind.FURNITURE, BlockKind.PARAGRAPH

SENTENCE = "全县净增科技型企业三十家。"


def blocks(text: str) -> list[Block]:
    return split_blocks(text.split("\n"))


def kinds(text: str) -> list[BlockKind]:
    return [block.kind for block in blocks(text)]


def paragraphs(text: str) -> list[str]:
    return [block.text for block in blocks(text) if block.kind is PARAGRAPH]


@pytest.mark.parametrize(
    "line",
    [
        "青石市科技局2023年工作总结",
        "一、主要工作",
        "十一、组织保障",
        "甲、总体情况",
        "（一）强化平台建设",
        "(十二)优化服务",
        "1. 孵化载体",
        "2．科技金融",
        "3、知识产权",
        "2.1 专利转化",
        "（3）人才公寓",
        "第一章　总则",
        "第三节 附则",
        "第二编 分则",
        "第 一 部 分　回顾",
        "平川 打造专利转化为抓手的新局面",
        "# 实施意见",
        "###### 六级标题。",
        "关于支持孵化器建设的若干措施（试行）",
    ],
)
def test_headings(line: str) -> None:
    found = blocks(f"{line}\n{SENTENCE}")
    assert [block.kind for block in found] == [HEADING, PARAGRAPH]
    assert found[0].text == line.lstrip("# ")
    assert found[1].headings[-1] == found[0].text


@pytest.mark.parametrize(
    "line",
    [
        SENTENCE,
        "一、建成孵化器三家。",
        "第五条　鼓励企业设立研发机构。",
        "第五条之二 鼓励企业设立研发机构。",
        "一是引进人才；",
        "• 专利申请增长较快",
        "主要做法如下：",
        "2023年，全县引进博士十二名",
        "1.5亿元贷款投向科技企业。",
        "2023",
        "ABC",
        "全县上下齐心协力把创新平台一个接一个建起来把创业人才一批接一批引进来把科技成果一项接一项转出去",
        "#标题符号后没有空格，",
        "（一）支持企业牵头，",
        "2. 建设孵化器、",
        "①建好众创空间",
    ],
)
def test_not_headings(line: str) -> None:
    assert HEADING not in kinds(f"{line}\n{SENTENCE}")


@pytest.mark.parametrize(
    "line",
    [
        "青石市科技局局长 李大为",
        "青石市副市长　赵一　钱二",
        "本报记者 王小明",
        "（本报记者 王小明 通讯员 陈晓）",
        "文/陈小鱼",
        "作者：青石市科技局办公室",
        "2024年5月6日",
        "二〇二四年五月六日",
        "——2024年1月8日在青石市第九届人民代表大会第二次会议上",
        "（2024年1月8日青石市人大常委会通过）",
        "新华社青石5月6日电",
    ],
)
def test_bylines(line: str) -> None:
    found = blocks(f"青石创新见闻\n{line}\n{SENTENCE}")
    assert [block.kind for block in found] == [HEADING, BYLINE, PARAGRAPH]
    assert found[1].headings == ("青石创新见闻",)


@pytest.mark.parametrize(
    "line", ["市长要求大家抓紧落实。", "2024年5月6日，全县召开科技大会。", "记者从县里了解到，项目已开工。"]
)
def test_not_bylines(line: str) -> None:
    assert kinds(line) == [PARAGRAPH]


@pytest.mark.parametrize(
    "line",
    [
        "首页 > 政务公开 > 科技",
        "您现在的位置：首页",
        "发布时间：2024-05-06 10:00",
        "来源：青石日报",
        "【字体：大 中 小】",
        "浏览次数：123",
        "索引号：AB/2024-001",
        "责任编辑：陈小鱼",
        "（编辑 陈小鱼）",
        "招商热线：0570-1234567",
        "邮编:324000",
        "联系地址：青石市创业路1号",
        "E-mail: kjj@example.com",
        "上一篇：青石市召开大会",
        "打印本页 | 关闭窗口",
        "版权所有：青石市科技局",
        "Copyright 2024 All Rights Reserved",
        "浙ICP备00000000号",
        "没有资料",
        "扫一扫在手机打开",
        "网站地图",
        "第 3 页 共 12 页",
        "— 3 —",
        "3/12",
        "----------",
        "<!-- 分页 -->",
        "[TOC]",
        "![图](a.png)",
    ],
)
def test_furniture(line: str) -> None:
    found = blocks(f"{SENTENCE}\n{line}\n{SENTENCE}")
    assert [block.kind for block in found] == [PARAGRAPH, FURNITURE, PARAGRAPH]
    assert found[1].headings == ()


@pytest.mark.parametrize(
    "line",
    [
        "来源于企业的研发投入占七成。",
        "地址选在高新区的孵化器开园。",
        "网站地图由信息中心维护，每年更新。",
        "编辑部搬进众创空间办公。",
        "来源：" + "县财政预算安排的科技经费" * 12 + "。",
    ],
)
def test_not_furniture(line: str) -> None:
    assert kinds(line) == [PARAGRAPH]


def test_links_after_a_text_are_furniture_until_text_comes_again() -> None:
    text = f"{SENTENCE}\n相关链接：\n邻县举办创业大赛\n邻市公布专利奖名单\n{SENTENCE}\n结语"
    assert kinds(text) == [PARAGRAPH, FURNITURE, FURNITURE, FURNITURE, PARAGRAPH, HEADING]


def test_path_of_headings_in_a_report() -> None:
    text = f"""青石市科技局工作总结
一、主要工作
（一）平台
1．孵化器
{SENTENCE}
（1）众创空间
{SENTENCE}
2．专利
{SENTENCE}
（二）人才
{SENTENCE}
二、下步打算
{SENTENCE}"""
    title, first = "青石市科技局工作总结", "一、主要工作"
    found = blocks(text)
    assert [block.headings for block in found if block.kind is PARAGRAPH] == [
        (title, first, "（一）平台", "1．孵化器"),
        (title, first, "（一）平台", "1．孵化器", "（1）众创空间"),
        (title, first, "（一）平台", "2．专利"),
        (title, first, "（二）人才"),
        (title, "二、下步打算"),
    ]
    assert [block.headings for block in found if block.kind is HEADING] == [
        (),
        (title,),
        (title, first),
        (title, first, "（一）平台"),
        (title, first, "（一）平台", "1．孵化器"),
        (title, first, "（一）平台"),
        (title, first),
        (title,),
    ]


def test_path_of_headings_in_a_statute() -> None:
    text = """第一编 总编
第一章 总则
第一条　为了促进创新，制定本办法。
第二章 创新主体
第一节 企业
第二条　鼓励企业创新。
　　前款所称企业，含合作社。
第二节 高校
第三条之一　鼓励高校创新。"""
    assert [block.headings for block in blocks(text) if block.kind is PARAGRAPH] == [
        ("第一编 总编", "第一章 总则", "第一条"),
        ("第一编 总编", "第二章 创新主体", "第一节 企业", "第二条"),
        ("第一编 总编", "第二章 创新主体", "第一节 企业", "第二条"),
        ("第一编 总编", "第二章 创新主体", "第二节 高校", "第三条之一"),
    ]


def test_path_of_headings_in_a_newspaper() -> None:
    text = f"""晒晒各地创新账
半年亮点摘登
平川 让专利变成红利
平川市科技局局长 李大为
{SENTENCE}
临江 孵化器里春意浓
{SENTENCE}"""
    assert [block.headings for block in blocks(text) if block.kind is PARAGRAPH] == [
        ("晒晒各地创新账", "半年亮点摘登", "平川 让专利变成红利"),
        ("晒晒各地创新账", "半年亮点摘登", "临江 孵化器里春意浓"),
    ]


def test_path_of_headings_in_markdown() -> None:
    text = f"""# 青石市规划

## 现状
{SENTENCE}
### 短板 ###
{SENTENCE}
平台偏少
{SENTENCE}
## 第一章 目标
{SENTENCE}
## 保障
{SENTENCE}"""
    assert [block.headings for block in blocks(text) if block.kind is PARAGRAPH] == [
        ("青石市规划", "现状"),
        ("青石市规划", "现状", "短板"),
        ("青石市规划", "现状", "短板", "平台偏少"),
        ("青石市规划", "第一章 目标"),
        ("青石市规划", "保障"),
    ]


def test_a_plain_heading_right_below_a_marked_one_stands_under_it() -> None:
    found = blocks(f"# 规划\n## 任务\n人才工程\n{SENTENCE}")
    assert found[-1].headings == ("规划", "任务", "人才工程")


def test_the_numbered_first_sentence_of_a_paragraph_is_its_heading() -> None:
    found = blocks(f"一、主要工作\n（一）抓好孵化器建设。{SENTENCE}\n{SENTENCE}\n（二）{SENTENCE}")
    assert [block.headings for block in found] == [
        (),
        ("一、主要工作", "(一)抓好孵化器建设"),
        ("一、主要工作", "(一)抓好孵化器建设"),
        ("一、主要工作", "(一)抓好孵化器建设"),
    ]


@pytest.mark.parametrize("line", ["# #", "## # ##"])
def test_a_heading_of_marks_alone_keeps_a_text(line: str) -> None:
    assert [(block.kind, block.text) for block in blocks(line)] == [(HEADING, line)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("今年，全县新建众创\n空间十家。", ["今年，全县新建众创空间十家。"], id="broken in a word"),
        pytest.param("今年，\n\n  众创空间\n\n\n有十家。", ["今年，众创空间有十家。"], id="broken over blank lines"),
        pytest.param(
            "今年，推广 open\nsource 软件。", ["今年，推广 open source 软件。"], id="a space between words of letters"
        ),
        pytest.param("今年，投入 5\n亿元。", ["今年，投入 5亿元。"], id="no space at ideographs"),
        pytest.param("甲事办成。\n乙事开工。", ["甲事办成。", "乙事开工。"], id="a full stop ends it"),
        pytest.param(
            "办成了吗？\n办成了！\n好；\n“很好。”\n完", ["办成了吗？", "办成了！", "好；", "“很好。”"], id="other ends"
        ),
        pytest.param(
            "做法如下：\n引进人才，\n建设平台。", ["做法如下：", "引进人才，建设平台。"], id="a colon ends it"
        ),
        pytest.param("今年以来，\n一是引才，\n二是留才。", ["今年以来，", "一是引才，", "二是留才。"], id="一是"),
        pytest.param(
            "今年以来，\n• 引才，\n· 留才，\n——用才。", ["今年以来，", "• 引才，", "· 留才，", "——用才。"], id="bullets"
        ),
        pytest.param("今年以来，\n①引才，\n⑵留才。", ["今年以来，", "①引才，", "⑵留才。"], id="circled numbers"),
        pytest.param("今年以来，\n（一）引进人才。", ["今年以来，", "（一）引进人才。"], id="numbered"),
        pytest.param("依照本条，\n第六条 设立基金。", ["依照本条，", "第六条 设立基金。"], id="an article"),
        pytest.param("今年以来，\n来源：青石日报\n引进人才。", ["今年以来，", "引进人才。"], id="furniture parts"),
        pytest.param(
            "今年以来，\n一、主要工作\n引进人才。", ["今年以来，", "引进人才。"], id="a numbered heading parts"
        ),
        pytest.param("今年以来，\n本报记者 王小明\n引进人才。", ["今年以来，", "引进人才。"], id="a byline parts"),
    ],
)
def test_lines_become_paragraphs(text: str, expected: list[str]) -> None:
    assert paragraphs(text) == expected


def test_a_joined_paragraph_knows_its_first_and_last_line() -> None:
    found = blocks("\n标题在此\n\n全县，\n\n众创空间\n十家。\r\n\n下一段。")
    assert [(block.kind, block.lines) for block in found] == [
        (HEADING, (2, 2)),
        (PARAGRAPH, (4, 7)),
        (PARAGRAPH, (9, 9)),
    ]


LAID_OUT = [
    "　　今年以来，全县把科技创新放在突出位置，推动孵化器提档升级。新开园的三家众创空间入驻团队六十二个，带动大学生创业就业三百余人，"
    "成为青年人才集聚的一片热土，也让老厂房重新焕发了生机和活力。",
    "　　专利工作再上台阶。县里设立专利转化专项资金，对首次获得发明授权的企业给予补助，并组织代理机构上门辅导，累计走访企业一百八十家次，"
    "帮助四十家企业消除了发明空白，全县每万人发明拥有量比上年提高两成。",
    "　　人才引育成效明显。先后出台海外工程师资助、博士安家补贴等办法，引进各类高层次人才二十六名，其中领军人才四名，另有五个创新团队落户。",
]


def laid_out(paragraphs: list[str], width: int) -> str:
    return "\n".join(
        paragraph[start : start + width] for paragraph in paragraphs for start in range(0, len(paragraph), width)
    )


@pytest.mark.parametrize("width", range(24, 40))
def test_lines_laid_out_to_one_width_are_joined_even_where_a_sentence_ends_at_the_margin(width: int) -> None:
    assert paragraphs(laid_out(LAID_OUT * 2, width)) == [paragraph.strip() for paragraph in LAID_OUT * 2]


def test_in_a_laid_out_text_a_full_line_that_ends_a_sentence_goes_on() -> None:
    line = "县里新建的孵化器每年都能培育出二十家高新技术企业。"
    text = "\n".join([line] * 8 + ["收尾的一行短些。"])
    assert paragraphs(text) == [line * 8 + "收尾的一行短些。"]
    assert paragraphs("\n".join([line] * 3)) == [line] * 3  # too few lines to tell a layout by


def test_a_first_line_without_any_sign_is_no_heading_where_it_fills_the_width() -> None:
    opening = "　　推动孵化器众创空间加速器和大学科技园从数量扩张转向质量提升是今年工作的重中之重，也是难点。"
    numbered = "（一）扩大科技贷款风险补偿资金池规模并引导银行开发更多面向初创企业的信用产品，降低门槛。"
    text = laid_out([*LAID_OUT, opening, numbered, *LAID_OUT], 30)
    found = [block for block in blocks(text) if block.text in {opening.strip(), numbered}]
    assert [block.kind for block in found] == [PARAGRAPH, PARAGRAPH]


def test_a_title_of_two_lines_is_one_heading_in_a_laid_out_text() -> None:
    title = "关于加快青石市科技企业孵化器和众创空间提档升级的若干支持政策意见"
    found = blocks(laid_out([title, *LAID_OUT], 28))
    assert (found[0].kind, found[0].text, found[0].lines) == (HEADING, title, (1, 2))
    assert found[1].headings == (title,)


def test_a_marked_heading_ends_with_its_line_even_where_it_fills_the_width() -> None:
    heading = "## 推动孵化器众创空间加速器和大学科技园提质增效"
    text = f"{heading}\n{laid_out(LAID_OUT, len(heading) - 1)}"
    first = blocks(text)[0]
    assert (first.kind, first.text) == (HEADING, heading.removeprefix("## "))


def test_long_lines_are_never_taken_for_a_layout() -> None:
    line = "县里新建的孵化器每年都能培育出二十家高新技术企业并且" * 4 + "。"
    assert paragraphs("\n".join([line] * 12)) == [line] * 12


LINES = st.sampled_from(
    [
        *(
            "一、总体要求",
            "（二）抓好落实",
            "第三条 设立基金。",
            "# 规划",
            "# #",
            "标题",
            "本报记者 王小明",
            "2024年5月6日",
        ),
        *(
            "来源：青石日报",
            "- 3 -",
            "相关链接：",
            "做法如下：",
            "一是引才；",
            "• 留才",
            "半句话，",
            "整句话。",
            "abc",
            "1.2",
        ),
        *(
            "",
            "  ",
            "\u3000",
            "\u200b",
            "\u0301",
            "\x07",
            "\ufeff标题",
            "　　缩进的一句话。",
            "\t制表",
            "行\r",
            "。",
            "\ud800",
            "\x85",
        ),
    ]
)


@given(st.lists(LINES | st.text(max_size=60), max_size=40))
def test_every_line_with_text_is_in_exactly_one_block(lines: list[str]) -> None:
    found = split_blocks(lines)
    spans = [block.lines for block in found]
    assert all(first <= last for first, last in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    held = [number for first, last in spans for number in range(first, last + 1)]
    for number, line in enumerate(lines, 1):
        if normalise(line).text:
            assert held.count(number) == 1
    shown = normalise("".join(block.text for block in found)).text.replace("#", "").replace(" ", "")
    assert shown == normalise("".join(line + "\n" for line in lines)).text.replace("#", "").replace(" ", "")
    for block in found:
        assert block.text
        assert block.text == block.text.strip(" \t\r\n\u3000")
        assert all(block.headings)
        assert block.kind is not FURNITURE or not block.headings


def test_no_lines_no_blocks() -> None:
    assert split_blocks([]) == []
    assert split_blocks(["", " \u3000", "\u200b\r\n"]) == []


@pytest.mark.parametrize(
    "unit", ["的", "。", "第一", "1.", "#", "(", "—", " ", "位置", "首页", "9", "a-", "年", "记者 王小明 ", "、"]
)
def test_one_long_line_is_cut_in_seconds(unit: str) -> None:
    started = time.process_time()
    split_blocks([unit * (200_000 // len(unit))])
    assert time.process_time() - started < 5


def test_fifty_thousand_lines_are_cut_in_seconds() -> None:
    started = time.process_time()
    assert len(split_blocks(["半句话，"] * 50_000)) == 1
    assert time.process_time() - started < 5


def test_a_heading_without_a_number_stands_below_the_number_above_it() -> None:
    text = f"规划\n一、任务\n人才工程\n{SENTENCE}\n平台工程\n{SENTENCE}\n二、保障\n{SENTENCE}\n加强领导\n{SENTENCE}"
    assert [block.headings for block in blocks(text) if block.kind is PARAGRAPH] == [
        ("规划", "一、任务", "人才工程"),
        ("规划", "一、任务", "平台工程"),
        ("规划", "二、保障"),
        ("规划", "二、保障", "加强领导"),
    ]


def test_a_numbered_heading_may_end_with_a_quotation() -> None:
    found = blocks(f"九、打通“最后一公里”\n{SENTENCE}\n“最后一公里”")
    assert [block.kind for block in found] == [HEADING, PARAGRAPH, PARAGRAPH]


def ends(*lines: tuple[str, LineEnd]) -> list[str]:
    return [block.text for block in split_blocks([SourceLine(text, end) for text, end in lines])]


def test_what_a_format_says_of_the_ends_of_lines_counts() -> None:
    opened, closed, marked = LineEnd.OPEN, LineEnd.CLOSED, LineEnd.MARKED
    assert ends(("办成一件。", opened), ("一、又一件。", closed)) == ["办成一件。一、又一件。"]
    assert ends(("投入增加", closed), ("产出增加", closed)) == ["投入增加", "产出增加"]
    assert ends(("投入增加，", marked), ("产出增加。", marked)) == ["投入增加，", "产出增加。"]
    assert ends(("来源：青石日报", opened), ("刊登的消息。", closed)) == ["来源：青石日报刊登的消息。"]


def test_paragraph_marks_mean_nothing_where_all_lines_have_one_width() -> None:
    lines = [line.strip() for line in laid_out(LAID_OUT * 2, 30).split("\n")]
    found = split_blocks([SourceLine(line, LineEnd.MARKED) for line in lines])
    assert len(found) < len(lines) / 2


def test_what_a_format_says_a_line_is_counts() -> None:
    found = split_blocks(
        [
            SourceLine("规划", LineEnd.CLOSED, HEADING, 1),
            SourceLine("主要做法：", LineEnd.CLOSED, HEADING, 2),
            SourceLine("孵化器", LineEnd.CLOSED, PARAGRAPH),
            SourceLine("2024", LineEnd.CLOSED, PARAGRAPH),
            SourceLine("青石市人民政府", LineEnd.CLOSED, FURNITURE),
            SourceLine("这样长的一句话不是标题，" * 10, LineEnd.CLOSED, HEADING, 1),
        ]
    )
    assert [block.kind for block in found] == [HEADING, HEADING, PARAGRAPH, FURNITURE, FURNITURE, PARAGRAPH]
    assert found[2].headings == ("规划", "主要做法：")
