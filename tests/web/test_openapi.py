"""The OpenAPI document: requests made from it get no 5xx. `scripts/fuzz_serve.py` makes many more."""

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck

EXAMPLES = 4  # for each operation
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,  # the same requests in every run
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
IDS = {"name": "vgg-mtat-v1", "version": 1, "source_id": "demo:demo"}  # such that exist


@pytest.fixture(scope="module")
def schema(client):
    return schemathesis.openapi.from_dict(client.app.openapi())


def test_every_route_is_described(client):
    paths = client.app.openapi()["paths"]
    assert {"/api/tag", "/api/models", "/v1/models/{name}:predict", "/healthz", "/metrics"} <= paths.keys()
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} has no description"


def test_no_generated_request_is_answered_with_5xx(live_server, schema):
    address, statuses = f"http://127.0.0.1:{live_server.port}", []
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:

        @SETTINGS
        @hypothesis.given(operation.as_strategy())
        def send(case):
            case.path_parameters.update({name: IDS[name] for name in IDS if name in case.path_parameters})
            reply = case.call(base_url=address, timeout=20)
            statuses.append(reply.status_code)
            assert reply.status_code < 500, f"{case.method} {case.formatted_path}: {reply.text}"

        send()
    assert len(statuses) > 2 * len(operations) and {200, 404, 422} <= {*statuses}
