import pytest

from model.official_layout import is_addressee, is_official_mark, official_furniture
from model.paragraphs import BlockKind, split_blocks

BODY = "为了支持科技企业孵化器建设，现将有关事项通知如下。"


@pytest.mark.parametrize(
    "line",
    [
        "青政发〔2024〕5号",
        "国发[2018]32号",
        "青政办字〔2024〕15号 签发人:李大为",
        "签发人:李大为 王小明",
        "000012",
        "机密★1年",
        "特急",
        "(此件公开发布)",
        "(此件依申请公开)",
        "公开方式:主动公开",
        "青石市人民政府办公室 2024年5月8日印发",
    ],
)
def test_marks(line: str) -> None:
    assert is_official_mark(line)


@pytest.mark.parametrize(
    "line",
    ["依照青政发〔2024〕5号,各地要抓紧落实。", "秘密武器", "(此件事情已经办结)", "2024年5月8日印发了通知", "123456"],
)
def test_not_marks(line: str) -> None:
    assert not is_official_mark(line)


@pytest.mark.parametrize(
    "line",
    [
        "各省、自治区、直辖市人民政府,国务院各部委、各直属机构:",
        "各县(市、区)人民政府,市直各单位:",
        "市科技局:",
        "各有关单位:",
        "青石市财政局、青石市科学技术局:",
    ],
)
def test_addressees(line: str) -> None:
    assert is_addressee(line)


@pytest.mark.parametrize(
    "line",
    [
        "各位代表:",
        "主要做法如下:",
        "一是:",
        "同志们:",
        "各项任务如下,请市科技局抓紧落实并于年底前报送总结和下一步打算,不得拖延推诿敷衍塞责:",
        "市科技局",
    ],
)
def test_not_addressees(line: str) -> None:
    assert not is_addressee(line)


def test_an_official_document_in_lines() -> None:
    text = f"""青石市人民政府文件
青政发〔2024〕5号
青石市人民政府关于支持孵化器建设的通知
各县（市、区）人民政府，市直各单位：
{BODY}
一、支持建设
对新建的孵化器给予补助。
附件：1．申报条件
2．申报表
青石市人民政府
2024年5月6日
（此件公开发布）
抄送：市委各部门，市人大常委会办公室，
市政协办公室。
青石市人民政府办公室　　　2024年5月8日印发
附件1
申报条件
{BODY}"""
    found = split_blocks(text.split("\n"))
    assert [block.text for block in found if block.kind is not BlockKind.FURNITURE] == [
        "青石市人民政府关于支持孵化器建设的通知",
        BODY,
        "一、支持建设",
        "对新建的孵化器给予补助。",
        "申报条件",
        BODY,
    ]
    assert found[-1].headings == ("申报条件",)  # an attachment is a document of its own
    assert all(block.headings == () for block in found if block.kind is BlockKind.FURNITURE)


def test_a_date_and_an_organ_below_a_title_are_no_signature() -> None:
    assert official_furniture(["青石市科技工作总结", "青石市科技局", "2024年5月6日", BODY]) == set()


def test_organ_names_within_a_text_are_no_signature() -> None:
    assert official_furniture([BODY, "青石市科技局", "今年以来,市科技局抓紧落实各项任务。"]) == set()


def test_signatures_of_several_organs() -> None:
    assert official_furniture([BODY, "青石市科学技术局", "青石市财政局", "2024年5月6日", "下一篇文章", BODY]) == {
        1,
        2,
        3,
    }
