"""The application: its page, its models, and errors in one form."""


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
