"""The rule that a newcomer writes in an hour: a theme holds where one of its words stands. Every model is measured against it."""

KEYWORDS = {
    "tech_finance": (
        "科技金融",
        "科技贷款",
        "科技支行",
        "创投",
        "创业投资",
        "天使投资",
        "风险投资",
        "引导基金",
        "质押融资",
        "科技保险",
    ),
    "incubator": ("孵化", "众创空间", "加速器", "大学科技园", "星创天地"),
    "talent": ("人才", "院士", "博士后", "科技特派员", "专家工作站", "海外工程师", "引智"),
    "intellectual_property": ("知识产权", "专利", "商标", "版权", "贯标"),
    "civil_military": ("军民融合", "军转民", "民参军", "军民两用", "国防科技工业", "军工"),
}


def label_by_keywords(text: str) -> list[str]:
    """Ids of the themes of which a keyword stands in `text`, in the order of `KEYWORDS`."""
    return [theme for theme, words in KEYWORDS.items() if any(word in text for word in words)]
