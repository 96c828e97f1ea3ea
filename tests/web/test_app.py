"""The application: its page, its models, and errors in one form."""

import pytest

from keras_musictag import MusicTagError
from tests.web.conftest import make_client


def test_models_are_listed_with_tags_and_thresholds(client):
    reply = client.get("/api/models").json()
    assert reply["default"] == "musicnn-mtat-v1"
    model = reply["models"][0]
    assert (model["sample_rate"], model["chunk_seconds"], model["loaded"]) == (16000, 3.008, True)
    assert model["thresholds"] == "estimated"
    assert {"tag": "guitar", "group": "instrument"}.items() <= model["tags"][0].items()


def test_an_unknown_address_is_an_error_in_the_one_form(client):
    reply = client.get("/api/nothing")
    assert (reply.status_code, reply.json()) == (404, {"error": "Not Found."})


def test_a_start_that_fails_leaves_nothing(monkeypatch, tmp_path):
    def fail(name, engine):
        raise MusicTagError("The weights are damaged.")

    monkeypatch.setattr("keras_musictag.web.served_models.load", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(MusicTagError, match="'vgg-mtat-v1' could not be loaded. The weights are damaged."):
        with make_client(models=("vgg-mtat-v1",)):
            pass
    assert list(tmp_path.iterdir()) == []
