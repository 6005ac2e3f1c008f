"""The OpenAPI document against the service: generated requests get no failure of ours and no answer that is not documented.

`make fuzz-api` asks for long what is asked here for a few seconds.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
from fastapi import FastAPI

from model.labeller import Labeller
from service.api_keys import Role, entry_line, new_key
from service.app import create_app
from service.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
COMMAND = Path(sys.executable).with_name("schemathesis")
EXAMPLES = os.environ.get("API_EXAMPLES", "4")
PHASES = os.environ.get("API_PHASES", "examples,fuzzing")


def test_generated_requests_find_no_failure_and_nothing_undocumented(
    serve: Serve, labeller: Labeller, tmp_path: Path
) -> None:
    key, digest = new_key()
    keys = entry_line("boss", Role.ADMIN, digest)
    app = create_app(labeller, Settings(feedback=tmp_path / "feedback.sqlite3", api_keys=keys))
    with serve(app) as client:
        run = subprocess.run(
            [
                COMMAND,
                "run",
                f"{client.base_url}/openapi.json",
                f"--header=X-API-Key: {key}",
                "--checks=all",
                # What no schema can say is refused too: a theme that the model does not know, a PDF that is none.
                "--exclude-checks=positive_data_acceptance",
                f"--phases={PHASES}",
                f"--max-examples={EXAMPLES}",
                "--seed=1",
                "--generation-database=none",
                "--suppress-health-check=all",
                "--no-color",
            ],
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert client.get("/healthz").status_code == 200
    app.state.parts.close()
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "Tested: 25" in run.stdout


def test_every_error_is_a_problem_and_nothing_else(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    for path, operations in document["paths"].items():
        expected = "InferenceProblem" if path.startswith("/v2") else "Problem"
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    schema = {"$ref": f"#/components/schemas/{expected}"}
                    assert response["content"] == {"application/problem+json": {"schema": schema}}, (path, status)


def test_the_columns_to_choose_from_are_documented(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert "看不出正文在哪一列" in document["paths"]["/v1/documents"]["post"]["responses"]["422"]["description"]
    assert "text_column" in schemas["Problem"]["properties"]["columns"]["description"]
    assert "columns" not in schemas["Problem"]["required"]
    assert "columns" in schemas["RefusalOut"]["properties"]


def test_every_reference_leads_somewhere(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()

    def references(value: object) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    found = references(document)
    assert len(found) > 20
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"], reference
