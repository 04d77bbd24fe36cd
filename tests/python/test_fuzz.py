"""The operations of the OpenAPI document, but those that schemathesis.toml leaves out, with generated input, valid and
not: no answer of 5xx, none that the document does not have, none without a token. QX_FUZZ_EXAMPLES is how many inputs
each operation gets besides those that its schema's limits make, QX_FUZZ_CASES how many requests there must have been,
and QX_FUZZ_SEED makes others of them."""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs/openapi.json"
EXAMPLES = os.environ.get("QX_FUZZ_EXAMPLES", "10")
SEED = os.environ.get("QX_FUZZ_SEED", "1")
LEAST_CASES = int(os.environ.get("QX_FUZZ_CASES", "2000"))
# All but those that schemathesis.toml leaves out.
LEAST_OPERATIONS = 116


def fuzz(daemon, directory: pathlib.Path, document: pathlib.Path, *arguments: str):
    """How the program ended, and its report."""
    report = directory / "report.json"
    command = [
        str(pathlib.Path(sys.executable).with_name("schemathesis")),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        str(document),
        f"--url={daemon.url}",
        "--tls-verify=false",
        f"--header=Authorization: Bearer {daemon.token}",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--continue-on-failure",
        "--no-color",
        "--report=json",
        f"--report-json-path={report}",
        *arguments,
    ]
    environment = {**os.environ, "QX_TOKEN_ID": daemon.token_id, "PYTHONPATH": str(HERE)}
    # It leaves what it found in the directory that it runs in.
    ran = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert report.exists(), ran.stdout[-4000:] + ran.stderr[-4000:]
    return ran, json.loads(report.read_text())


def test_generated_requests_are_answered_as_documented(daemon, tmp_path):
    ran, said = fuzz(daemon, tmp_path, DOCUMENT)
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-4000:]
    assert said["complete"], said["stop_reason"]
    assert said["operations"]["tested"] == said["operations"]["selected"], said["operations"]
    assert said["operations"]["selected"] >= LEAST_OPERATIONS, said["operations"]
    assert said["test_cases"]["generated"] >= LEAST_CASES, said["test_cases"]


def test_an_answer_that_the_document_does_not_have_is_found(daemon, tmp_path):
    document = json.loads(DOCUMENT.read_text())
    create = document["paths"]["/api/v1/vms"]["post"]
    del create["responses"]["422"]
    changed = tmp_path / "openapi.json"
    changed.write_text(json.dumps(document))
    ran, said = fuzz(daemon, tmp_path, changed, f"--include-operation-id={create['operationId']}")
    assert ran.returncode == 1, ran.stdout[-4000:] + ran.stderr[-4000:]
    assert "Undocumented status code" in ran.stdout, ran.stdout[-4000:]
    assert said["test_cases"]["unique_failures"] >= 1, said["test_cases"]
