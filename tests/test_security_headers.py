"""Headers that bind browsers."""

import httpx
import pytest


@pytest.mark.parametrize("path", ["/v1/themes", "/healthz", "/nowhere", "/docs", "/openapi.json", "/metrics"])
def test_every_answer_has_them(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("unsafe-inline" in policy) == (path == "/docs")
    assert "server" not in headers or "uvicorn" in headers["server"]
