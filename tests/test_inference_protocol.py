"""The Open Inference Protocol, asked by Triton's own client."""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from model.labeller import Labeller

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tritonclient.http as triton
    from tritonclient.utils import InferenceServerException

TEXTS = ["设立科技信贷风险补偿资金池。", "引进博士二十名，新建孵化器三家。", "", "🙂"]
MODEL = "policy-themes"


@pytest.fixture(scope="module")
def server(client: httpx.Client) -> Iterator[Any]:
    """Triton's client of the service."""
    connected = triton.InferenceServerClient(client.base_url.netloc.decode())
    yield connected
    connected.close()


def texts_input(texts: list[str], shape: list[int] | None = None, *, binary: bool) -> Any:
    tensor = triton.InferInput("text", shape or [len(texts)], "BYTES")
    tensor.set_data_from_numpy(np.array(texts, dtype=np.object_).reshape(shape or [len(texts)]), binary_data=binary)
    return tensor


def test_the_server_tells_of_itself(server: Any, labeller: Labeller) -> None:
    assert server.is_server_live()
    assert server.is_server_ready()
    assert server.is_model_ready(MODEL)
    assert server.is_model_ready(MODEL, labeller.version)
    assert server.get_server_metadata()["name"] == MODEL
    for metadata in (server.get_model_metadata(MODEL), server.get_model_metadata(MODEL, labeller.version)):
        assert metadata["versions"] == [labeller.version]
        assert metadata["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
        assert [(one["name"], one["datatype"], one["shape"]) for one in metadata["outputs"]] == [
            ("scores", "FP64", [-1, 5]),
            ("themes", "BOOL", [-1, 5]),
            ("primary", "BYTES", [-1]),
            ("names", "BYTES", [5]),
        ]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("shape", [[4], [4, 1]])
def test_texts_are_labelled(
    server: Any, labeller: Labeller, binary_in: bool, binary_out: bool, shape: list[int]
) -> None:
    names = ("scores", "themes", "primary", "names")
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in names]
    asked = [texts_input(TEXTS, shape, binary=binary_in)]
    result = server.infer(MODEL, asked, model_version=labeller.version, outputs=wanted, request_id="编号 7")
    labels = labeller.label(TEXTS)
    themes = [theme.id for theme in labeller.themes]
    scores = [[label.scores[theme] for theme in themes] for label in labels]
    assert result.as_numpy("scores").tolist() == scores, "to the last bit"
    assert result.as_numpy("themes").tolist() == [[theme in label.themes for theme in themes] for label in labels]
    assert _strings(result.as_numpy("primary")) == [label.primary for label in labels]
    assert _strings(result.as_numpy("names")) == themes
    response = result.get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == ("编号 7", MODEL, labeller.version)


def _strings(array: Any) -> list[str]:
    return [one.decode() if isinstance(one, bytes) else one for one in array.tolist()]


def test_only_what_is_wanted_is_sent(server: Any) -> None:
    wanted = [triton.InferRequestedOutput("themes"), triton.InferRequestedOutput("scores", binary_data=False)]
    result = server.infer(MODEL, [texts_input(TEXTS, binary=True)], outputs=wanted)
    assert [one["name"] for one in result.get_response()["outputs"]] == ["themes", "scores"]
    assert result.as_numpy("primary") is None
    assert "id" not in result.get_response()


def test_a_failure_has_its_error(server: Any) -> None:
    one = [texts_input(["专利"], binary=True)]
    for arguments in ({"model_name": "other"}, {"model_name": MODEL, "model_version": "9"}):
        with pytest.raises(InferenceServerException) as caught:
            server.infer(inputs=one, **arguments)
        assert caught.value.status() == "404"
        assert "。" in caught.value.message()
    with pytest.raises(InferenceServerException, match="没有输出"):
        server.infer(MODEL, one, outputs=[triton.InferRequestedOutput("nothing")])
    too_many = [texts_input(["x"] * 1001, binary=True)]
    with pytest.raises(InferenceServerException, match="1000"):
        server.infer(MODEL, too_many)


def tensor(**fields: object) -> dict[str, object]:
    return {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["专利"], **fields}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"inputs": []},
        {"inputs": [tensor(), tensor()]},
        {"inputs": [tensor(name="texts")]},
        {"inputs": [tensor(datatype="FP32")]},
        {"inputs": [tensor(shape=[2])]},
        {"inputs": [tensor(shape=[])]},
        {"inputs": [tensor(shape=[-1])]},
        {"inputs": [tensor(shape=[1, 1, 1])]},
        {"inputs": [tensor(data=[1])]},
        {"inputs": [tensor(data=["\ud800"])]},
        {"inputs": [tensor(data=["\0"])]},
        {"inputs": [tensor(data=["长" * 20_001])]},
        {"inputs": [tensor(data=None)]},
        {"inputs": [tensor(parameters={"binary_data_size": 5})]},
        {"inputs": [tensor(parameters={"binary_data_size": False})]},
        {"inputs": [tensor()], "id": 7},
        {"inputs": [tensor()], "outputs": [{"name": "x" * 1000}]},
    ],
)
def test_a_wrong_request_is_refused_as_the_protocol_says(client: httpx.Client, body: object) -> None:
    response = client.post(f"/v2/models/{MODEL}/infer", content=json.dumps(body))
    assert response.status_code == 400, response.text
    problem = response.json()
    assert problem["error"] == problem["detail"]
    assert problem["type"].endswith(":invalid-inference")


@pytest.mark.parametrize("length", ["", "-1", "9" * 5000, "1e3", "½", "100000"])
def test_a_wrong_header_length_is_refused(client: httpx.Client, length: str) -> None:
    headers = {b"inference-header-content-length": length.encode()}
    response = client.post(f"/v2/models/{MODEL}/infer", content=b"{}", headers=headers)
    assert response.status_code == 400
    assert "error" in response.json()


@pytest.mark.parametrize("content", [b"\x01", b"\x05\0\0\0abc", b"\x01\0\0\0\xff"])
def test_broken_binary_data_are_refused(client: httpx.Client, content: bytes) -> None:
    body = {"inputs": [{**tensor(), "data": None, "parameters": {"binary_data_size": len(content)}}]}
    header = json.dumps(body).encode()
    headers = {"inference-header-content-length": str(len(header))}
    assert client.post(f"/v2/models/{MODEL}/infer", content=header + content, headers=headers).status_code == 400


def test_other_failures_under_the_protocol_have_an_error_too(client: httpx.Client) -> None:
    for response in (client.get("/v2/nowhere"), client.get(f"/v2/models/{MODEL}/infer")):
        assert response.status_code in {404, 405}
        assert response.json()["error"]
