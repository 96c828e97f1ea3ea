"""Health checks and the numbers for Prometheus."""

import numpy as np

from tests.runtimes.serving_export import wav
from tests.web.test_monitoring import numbers


def test_a_server_is_ready_until_it_is_asked_to_end(open_client):
    client = open_client()
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    services = client.app.state.services
    services.models.is_ready = False
    assert client.get("/readyz").status_code == 503 and "being loaded" in client.get("/readyz").json()["error"]
    services.models.is_ready = True
    services.jobs.begin_ending()
    assert client.get("/readyz").status_code == 503 and "ending" in client.get("/readyz").json()["error"]
    assert client.get("/healthz").status_code == 200


def test_requests_are_counted_by_template_and_status(open_client):
    client = open_client()
    for path in ("/v1/models/secret-name", "/v1/models/another", "/no/such/path", "/static/nothing.js", "/healthz"):
        client.get(path)
    client.post("/v1/models/vgg-mtat-v1:predict", json={"instances": [[0.0] * 48128] * 3})
    client.get("/healthz", headers={"Host": "elsewhere.example"})  # refused before it has a route
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    found = numbers(reply.text)
    assert found["requests_total", "/v1/models/{name}", "404", "GET"] == 2
    assert found["requests_total", "/v1/models/{name}:predict", "200", "POST"] == 1
    assert found["requests_total", "404", "GET", "none"] == 1 and found["requests_total", "403", "GET", "none"] == 1
    assert found["requests_total", "/static", "404", "GET"] == 1
    assert found["request_seconds_count", "/healthz"] == 1
    assert found["chunks_total", "vgg-mtat-v1"] == 3
    assert found["loaded_models",] == 1 and found["queued_chunks",] == 0 and found["kept_uploads",] == 0
    assert found["process_resident_memory_bytes",] > 0
    assert "secret-name" not in reply.text and "/no/such/path" not in reply.text


def test_uploads_that_are_kept_are_counted(open_client):
    client = open_client()
    source = client.post("/api/sources", files={"file": ("a.wav", wav(np.sin(np.arange(16000) / 9), 16000))}).json()[
        "source"
    ]
    assert numbers(client.get("/metrics").text)["kept_uploads",] == 1
    client.delete(f"/api/sources/{source}")
    assert numbers(client.get("/metrics").text)["kept_uploads",] == 0
