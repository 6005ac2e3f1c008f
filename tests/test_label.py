import json

from model.label import Evidence, Label, WeightyTerm


def test_a_record_is_plain_and_rounded() -> None:
    term = WeightyTerm("专利", 2, 4, 1 / 3)
    label = Label(
        themes=("talent",),
        primary="talent",
        scores={"talent": 2 / 3, "incubator": 1e-9},
        uncertain=("incubator",),
        evidence=(Evidence("talent", "申请专利。", 0, 5, (term,)),),
    )
    record = label.as_record()
    assert json.loads(json.dumps(record)) == record
    assert record == {
        "themes": ["talent"],
        "primary": "talent",
        "scores": {"talent": 0.666667, "incubator": 0.0},
        "uncertain": ["incubator"],
        "evidence": [
            {
                "theme": "talent",
                "text": "申请专利。",
                "start": 0,
                "end": 5,
                "terms": [{"text": "专利", "start": 2, "end": 4, "weight": 0.333333}],
            }
        ],
    }
