"""schemathesis over the OpenAPI document of a real `keras-musictag serve`: no request may be answered with 5xx.

    python scripts/fuzz_serve.py [--examples 200] [--seed 0] [--model vgg-mtat-v1]

It sends valid and invalid requests of every operation, and sequences of them: once with any names and ids in the paths,
once with those of a model, a source and a job that exist. No status may be 500 or above, every reply must have the type
and the form that the document states, and the server must be ready at the end. docs/reliability.md contains the output.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from bench_serve import running_server
from prometheus_client.parser import text_string_to_metric_families

CHECKS = ("not_a_server_error", "content_type_conformance", "response_schema_conformance")


def ids_that_exist(address: str, model: str) -> str:
    """A configuration of schemathesis with the names and ids in paths."""
    job = httpx.post(f"{address}/api/jobs", json={"kind": "tag", "source": "demo:demo"}).json()["job"]
    ids = {"path.name": model, "path.version": 1, "path.source_id": "demo:demo", "path.job_id": job}
    return "[parameters]\n" + "".join(f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in ids.items())


def failures(address: str, configuration: str, examples: int, seed: int) -> int:
    """Runs schemathesis, and returns its exit code."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(f"warnings = false\n{configuration}")
        file.flush()
        command = [Path(sys.executable).parent / "schemathesis", "--config-file", file.name, "--no-color", "run"]
        options = ["--checks", ",".join(CHECKS), "--seed", str(seed), "--max-examples", str(examples)]
        return subprocess.run([*command, *options, f"{address}/openapi.json"], check=False).returncode


def statuses(metrics: str) -> dict[str, int]:
    """How many requests were answered with each status."""
    found: dict[str, int] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "keras_musictag_requests_total":
                status = sample.labels["status"]
                found[status] = found.get(status, 0) + int(sample.value)
    return dict(sorted(found.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=200, help="for each operation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="vgg-mtat-v1")
    arguments = parser.parse_args()
    with running_server(arguments.model, []) as (_, address):
        failed = [
            failures(address, configuration, arguments.examples, arguments.seed)
            for configuration in ("", ids_that_exist(address, arguments.model))
        ]
        ready = httpx.get(f"{address}/readyz").status_code
        found = statuses(httpx.get(f"{address}/metrics").text)
    print("Answers by status: " + ", ".join(f"{count:,} of {status}" for status, count in found.items()) + ".")
    bad = [status for status in found if status >= "500"]
    if any(failed) or bad or ready != 200:
        raise SystemExit(f"It failed: schemathesis ended with {failed}, /readyz with {ready}, 5xx: {bad or 'none'}.")


if __name__ == "__main__":
    main()
