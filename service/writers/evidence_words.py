"""Evidence as text that stands in one cell."""

from service.run import Row, Run


def evidence_sentences(row: Row, run: Run) -> str:
    """The sentence behind each theme, one a line: 【人才】……"""
    return "\n".join(f"【{run.name_of(item['theme'])}】{item['text']}" for item in row["evidence"])


def evidence_terms(row: Row, run: Run) -> str:
    """The weightiest terms behind each theme, one theme a line: 【人才】引进人才 +3.2、团队 +0.8"""
    lines = []
    for item in row["evidence"]:
        terms = "、".join(f"{term['text']} {term['weight']:+.1f}" for term in item["terms"])
        if terms:
            lines.append(f"【{run.name_of(item['theme'])}】{terms}")
    return "\n".join(lines)
