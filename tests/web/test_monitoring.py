"""What is counted for Prometheus, read with its own parser."""

from prometheus_client.parser import text_string_to_metric_families

from keras_musictag.web.monitoring import Monitor


def numbers(text: str) -> dict[tuple, float]:
    """Each sample of an exposition: its name and labels without the package's prefix -> its value."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(s.name.removeprefix("keras_musictag_"), *sorted(s.labels.values())): s.value for s in samples}


def test_batches_are_counted_by_model():
    monitor = Monitor()
    for chunks in (1, 8, 3):
        monitor.note_batch("a-b-v1", chunks)
    found = numbers(monitor.exposition().decode())
    assert found["chunks_total", "a-b-v1"] == 12 and found["batch_chunks_count", "a-b-v1"] == 3
    assert found["batch_chunks_bucket", "3.0", "a-b-v1"] == 2


def test_watched_numbers_are_those_of_the_moment():
    monitor, uploads = Monitor(), []
    monitor.watch("kept_uploads", "Uploads that are kept.", lambda: len(uploads))
    uploads.append("a")
    assert numbers(monitor.exposition().decode())["kept_uploads",] == 1


def test_two_applications_count_apart():
    first, second = Monitor(), Monitor()
    first.note_request("GET", "/healthz", 200, 0.01)
    assert ("requests_total", "/healthz", "200", "GET") in numbers(first.exposition().decode())
    assert ("requests_total", "/healthz", "200", "GET") not in numbers(second.exposition().decode())


def test_an_invented_method_is_no_label():
    monitor = Monitor()
    for method in ("BREW", "PROPFIND", "x" * 50):
        monitor.note_request(method, "none", 405, 0.01)
    assert numbers(monitor.exposition().decode())["requests_total", "405", "none", "other"] == 3
