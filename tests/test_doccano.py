"""doccano's auto-labelling: a list of categories."""

import httpx
import pytest

LOAN = "设立科技信贷风险补偿资金池，支持合作银行向科技型中小企业发放贷款。"


@pytest.mark.parametrize(("names", "field"), [(None, "name_zh"), ("zh", "name_zh"), ("en", "name_en"), ("id", "id")])
def test_themes_are_categories(client: httpx.Client, names: str | None, field: str) -> None:
    query = {"names": names} if names else {}
    (theme,) = [one for one in client.get("/v1/themes").json()["themes"] if one["id"] == "tech_finance"]
    assert client.post("/doccano", json={"text": LOAN}, params=query).json() == [{"label": theme[field]}]


def test_a_text_without_a_theme_has_no_categories(client: httpx.Client) -> None:
    assert client.post("/doccano", json={"text": "修路。"}).json() == []


def test_what_is_wrong_is_told(client: httpx.Client) -> None:
    assert client.post("/doccano", json={"text": 1}).status_code == 422
    assert client.post("/doccano", json={"text": "a"}, params={"names": "fr"}).status_code == 422
