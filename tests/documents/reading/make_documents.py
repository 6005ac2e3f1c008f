"""Makes the documents beside this file that no editor wrote: `python tests/documents/reading/make_documents.py`.

双栏通知.pdf comes from 双栏通知.odt (soffice --headless --convert-to pdf 双栏通知.odt); 项目清单.xls and 项目清单.ods from 项目清单.xlsx
(soffice --headless --convert-to xls 项目清单.xlsx, and ods).
"""

import datetime
import zipfile
from pathlib import Path

import pypdfium2 as pdfium
import xlsxwriter

FOLDER = Path(__file__).resolve().parent
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MOMENT = (2024, 1, 1, 0, 0, 0)  # the same bytes whenever it is made


def run(text: str, properties: str = "") -> str:
    """A run of text."""
    return f'<w:r>{f"<w:rPr>{properties}</w:rPr>" if properties else ""}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str, style: str = "", number: tuple[int, int] | None = None, mark: str = "") -> str:
    """A paragraph; `number` is list and level, `mark` the properties of the paragraph's mark."""
    numbering = f'<w:numPr><w:ilvl w:val="{number[1]}"/><w:numId w:val="{number[0]}"/></w:numPr>' if number else ""
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    marked = f"<w:rPr>{mark}</w:rPr>" if mark else ""
    return f"<w:p><w:pPr>{styled}{numbering}{marked}</w:pPr>{''.join(runs)}</w:p>"


def deleted(text: str) -> str:
    """A tracked deletion."""
    return f'<w:del w:id="1" w:author="甲"><w:r><w:delText>{text}</w:delText></w:r></w:del>'


def inserted(text: str) -> str:
    """A tracked insertion."""
    return f'<w:ins w:id="2" w:author="甲">{run(text)}</w:ins>'


def table(*rows: list[str]) -> str:
    """A table of cells, each with the paragraphs given."""
    cells = "".join(f"<w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in row)}</w:tr>" for row in rows)
    return f"<w:tbl><w:tblPr/>{cells}</w:tbl>"


def text_box(text: str) -> str:
    """A text box as Word writes it: twice, for newer and for older readers."""
    box = f"<w:txbxContent>{paragraph(run(text))}</w:txbxContent>"
    return (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:wsp><wps:txbx>'
        f"{box}</wps:txbx></wps:wsp></w:drawing></mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


_LEVELS = (
    ("chineseCounting", "%1、"),
    ("chineseCounting", "（%2）"),
    ("decimal", "%3."),
    ("decimalEnclosedCircle", "%4"),
)
_BODY = [
    paragraph(run("青石市科技创新券管理办法"), style="Title"),
    paragraph(run("青科发〔2024〕9号")),
    paragraph(run("总体要求"), style="H1"),
    paragraph(
        run("为降低中小企业研发成本，"),
        deleted("依据上级有关规定，"),
        inserted("经市政府同意，"),
        run("设立科技创新券。本办法所称创新券，是指"),
        run("（不显示的批注）", "<w:vanish/>"),
        run("由财政资金支持、企业凭券购买科技服务的电子凭证。"),
        '<w:r><w:footnoteReference w:id="2"/></w:r>',
    ),
    paragraph(run("支持内容"), style="H1"),
    paragraph(run("检验检测服务"), style="H2"),
    paragraph(run("企业委托有资质的机构检验新产品，按实际费用的一半抵扣。"), number=(1, 2)),
    paragraph(deleted("企业购置检测仪器的费用。"), number=(1, 2), mark='<w:del w:id="3" w:author="甲"/>'),
    paragraph(run("2023年以来新成立的企业，抵扣比例提高到六成；"), number=(1, 2)),
    paragraph(run("申请时应当提供服务合同；"), number=(1, 3)),
    paragraph(run("申请时应当提供付款凭证。"), number=(1, 3)),
    paragraph(run("知识产权服务"), style="H2"),
    paragraph(run("专利检索分析、专利导航的费用可以抵扣。"), number=(1, 2)),
    table(
        [paragraph(run("服务类别")), paragraph(run("抵扣上限")), paragraph(run("牵头单位"))],
        [paragraph(run("检验检测")), paragraph(run("每年二十万元")), paragraph(run("市科技局"))],
        [
            paragraph(run("专利导航")),
            paragraph(run("每年十万元")) + paragraph(run("首次申请的企业可以上浮两成。")),
            paragraph(run("市知识产权局")),
        ],
    ),
    paragraph(text_box("咨询窗口设在市政务服务中心二楼，工作日均可办理。")),
    paragraph(run("组织保障"), style="H1"),
    paragraph(run("市科技局负责平台建设，"), "<w:r><w:br/></w:r>", run("市财政局负责资金兑付。")),
    paragraph(run("这一段的段落标记"), mark='<w:del w:id="4" w:author="甲"/>'),
    paragraph(run("已经删去，与下一段连成一段。")),
    paragraph(run("青石市科学技术局")),
    paragraph(run("2024年3月5日")),
    paragraph(run("附件")),
    paragraph(run("创新券申请流程"), style="Title"),
    paragraph(run("第一步，企业在平台注册；第二步，选择服务机构签订合同。")),
]


def _numbering() -> str:
    levels = "".join(
        f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>{pinned}<w:lvlText w:val="{text}"/></w:lvl>'
        for level, ((form, text), pinned) in enumerate(
            zip(_LEVELS, ('<w:pStyle w:val="H1"/>', '<w:pStyle w:val="H2"/>', "", ""), strict=True)
        )
    )
    return (
        f'<w:numbering xmlns:w="{_W}"><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )


def _styles() -> str:
    headings = "".join(
        f'<w:style w:type="paragraph" w:styleId="H{depth}"><w:name w:val="heading {depth}"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr>'
        f'<w:outlineLvl w:val="{depth - 1}"/></w:pPr></w:style>'
        for depth in (1, 2)
    )
    title = '<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>'
    return f'<w:styles xmlns:w="{_W}">{title}{headings}</w:styles>'


def make_word() -> None:
    """自动编号.docx: automatic numbers, tracked changes, a table, a text box, a note, page header and foot."""
    names = (
        f'xmlns:w="{_W}" xmlns:r="{_R}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    )
    kinds = {
        "styles": "styles",
        "numbering": "numbering",
        "footnotes": "footnotes",
        "header1": "header",
        "footer1": "footer",
    }
    note = paragraph(run("创新券由市科技创新服务平台统一发放。"))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{part}" Type="{_R}/{kind}" Target="{part}.xml"/>' for part, kind in kinds.items()
        )
        + "</Relationships>",
        "word/document.xml": f"<w:document {names}><w:body>{''.join(_BODY)}</w:body></w:document>",
        "word/styles.xml": _styles(),
        "word/numbering.xml": _numbering(),
        "word/footnotes.xml": f'<w:footnotes {names}><w:footnote w:id="0" w:type="separator">{paragraph(run("-"))}</w:footnote>'
        f'<w:footnote w:id="2">{note}</w:footnote></w:footnotes>',
        "word/header1.xml": f"<w:hdr {names}>{paragraph(run('青石市科学技术局文件汇编'))}</w:hdr>",
        "word/footer1.xml": f"<w:ftr {names}>{paragraph(run('第 '), '<w:r><w:instrText>PAGE</w:instrText></w:r>', run('1'), run(' 页'))}</w:ftr>",
    }
    with zipfile.ZipFile(FOLDER / "自动编号.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(
                zipfile.ZipInfo(name, _MOMENT), f'<?xml version="1.0" encoding="UTF-8"?>{text}', zipfile.ZIP_DEFLATED
            )


_PAGE = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN">
<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset=gb2312">
<title>青石市科技局 - 人才政策问答</title>
<script>document.write("<p>脚本里的文字不显示。</p>");</script>
<style>.hidden { display: none }</style>
</head>
<body>
<div class="top-nav">
  <ul><li><a href="/">首页</a></li><li><a href="/zw">政务公开</a></li><li><a href="/fw">办事服务</a><li><a href="/hd">互动交流</a></ul>
</div>
<div id="dqwz">当前位置：<a href="/">首页</a> &gt; <a href="/zc">政策解读</a></div>
<div class="content">
<h1>青石市高层次人才政策问答</h1>
<p>发布时间：2024-04-18　来源：青石市科技局</p>
<div style="display: none">这段隐藏的文字不显示。</div>
<h2>一、申报条件</h2>
<p>　　到青石创业的博士，<b>可以申请</b>安家补贴；
带领团队落户的，
另给项目资助。<p>　　在站博士后出站后留在本市工作满一年的，给予三十万元补助。
<h2>二、办理流程</h2>
<div>网上提交申请后，市科技局在十个工作日内完成审核。<br>审核通过的，由市财政局直接拨付到个人账户。</div>
<table border="1">
<tr><th>人才类别</th><th>补贴标准</th></tr>
<tr><td>博士研究生</td><td>每人二十万元，分三年发放</td></tr>
<tr><td>高级技师</td><td><p>每人五万元</p></td></tr>
</table>
<ul><li>材料不全的，一次性告知补正；</li><li>弄虚作假的，追回补贴并记入信用档案。</li></ul>
</div>
<div class="related"><h3>相关链接</h3><ul><li><a href="1">人才公寓申请指南</a></li><li><a href="2">博士后工作站名单</a></li><li><a href="3">创业大赛报名通知</a></li></ul></div>
<footer>版权所有：青石市科学技术局　联系电话：0000-1234567</footer>
</body>
</html>
"""


def make_web_page() -> None:
    """人才问答.html in GB18030, with menus, hidden parts, a table and unclosed elements."""
    (FOLDER / "人才问答.html").write_bytes(_PAGE.encode("gb18030"))


def make_workbook() -> None:
    """项目清单.xlsx: a title over the header, merged cells, dates, a formula, section rows, and a second sheet of figures."""
    with xlsxwriter.Workbook(FOLDER / "项目清单.xlsx") as book:
        book.set_properties({"created": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)})
        sheet = book.add_worksheet("科技项目")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.merge_range("A1:E1", "青石市2024年科技项目清单")
        sheet.write_row("A2", ["县区", "项目内容", "金额（万元）", "立项日期", "备注"])
        sheet.merge_range("A3:E3", "第一批")
        sheet.merge_range("A4:A5", "东湖区")
        rows = [
            (
                "建设光电产业孵化器，三年内引进创业企业六十户，配套建设公共检测平台。",
                320,
                datetime.date(2024, 2, 1),
                "续建",
            ),
            ("组建军民两用传感器联合实验室，推动成果双向转化。", 150.5, datetime.date(2024, 3, 15), None),
        ]
        for number, (text, amount, date, remark) in enumerate(rows, 3):
            sheet.write(number, 1, text)
            sheet.write(number, 2, amount)
            sheet.write_datetime(number, 3, datetime.datetime.combine(date, datetime.time()), day)
            sheet.write(number, 4, remark)
        sheet.merge_range("A6:E6", "第二批")
        sheet.write(6, 0, "西山县")
        sheet.write(6, 1, "设立知识产权质押贷款风险池，为四十户企业提供融资增信。")
        sheet.write_formula(6, 2, "=100*2", None, 200)
        sheet.write_row("A9", ["合计", None, 670.5])
        figures = book.add_worksheet("汇总")
        figures.write_row("A1", ["县区", "项目数"])
        figures.write_row("A2", ["东湖区", 2])


def make_scan() -> None:
    """扫描件.pdf: the first page a picture of a page, the second a page of text."""
    source = pdfium.PdfDocument(FOLDER / "双栏通知.pdf")
    document = pdfium.PdfDocument.new()
    width, height = source[0].get_size()
    bitmap = source[0].render(scale=0.7, grayscale=True)
    image = pdfium.PdfImage.new(document)
    image.set_bitmap(bitmap)
    image.set_matrix(pdfium.PdfMatrix().scale(width, height))
    page = document.new_page(width, height)
    page.insert_obj(image)
    page.gen_content()
    document.import_pages(source, [1])
    document.save(FOLDER / "扫描件.pdf")


if __name__ == "__main__":
    make_word()
    make_web_page()
    make_workbook()
    make_scan()
