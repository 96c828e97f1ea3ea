import resource
import shutil

import numpy as np
import pytest


def test_the_file_has_the_embedding_and_its_origin(call, track, vgg, tagger, folder):
    outcome = call("embed", track, *vgg)
    assert outcome == (0, "Wrote tones.embedding.npz\n", "")
    taggram = tagger.taggram(track)
    with np.load("tones.embedding.npz", allow_pickle=False) as file:
        assert sorted(file) == ["embedding", "end_seconds", "layer", "model", "start_seconds"]
        # float32 noise between two compilations of one graph; the values are about 1
        np.testing.assert_allclose(file["embedding"], tagger.embed(track), rtol=1e-4, atol=1e-5)
        assert (file["embedding"].dtype, file["embedding"].shape) == (np.float32, (len(taggram.scores), 256))
        np.testing.assert_array_equal(file["start_seconds"], taggram.start_seconds)
        np.testing.assert_array_equal(file["end_seconds"], taggram.end_seconds)
        assert (str(file["layer"]), str(file["model"])) == ("flatten", "vgg-mtat-v1")


def test_layer_hop_and_tail_reach_the_library(call, track, vgg, tagger):
    call("embed", track, *vgg, "--layer", "logits", "--hop-seconds", "1", "--tail", "drop")
    expected = tagger.embed(track, layer="logits", hop_seconds=1, tail="drop")
    with np.load("tones.embedding.npz") as file:
        assert str(file["layer"]) == "logits"
        np.testing.assert_allclose(file["embedding"], expected, rtol=1e-4, atol=1e-5)  # as above
    assert len(expected) != len(tagger.embed(track))


def test_an_unknown_layer_is_one_line_with_a_suggestion(call, track, vgg, folder):
    outcome = call("embed", track, *vgg, "--layer", "logit")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: There is no layer 'logit'. Did you mean 'logits'?")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("command, file", [("embed", "tones.embedding.npz"), ("taggram", "tones.taggram.png")])
def test_two_tracks_with_one_stem_are_rejected_at_once(call, track, vgg, folder, command, file):
    (folder / "other").mkdir()
    shutil.copy(track, "other/tones.flac")
    outcome = call(command, track, "other/tones.flac", *vgg, "--out", "out")
    assert outcome.code == 2
    assert f"Two of the tracks would be written to out/{file}" in outcome.err
    assert not (folder / "out").exists()


@pytest.mark.parametrize("command", ["embed", "taggram"])
def test_a_file_instead_of_the_folder_is_invalid_usage(call, track, vgg, command):
    outcome = call(command, track, *vgg, "--out", track)
    assert (outcome.code, outcome.out) == (2, "")
    assert "'--out'" in outcome.err


@pytest.mark.parametrize("command", ["embed", "taggram"])
def test_a_folder_that_cannot_be_created_is_one_line(call, track, vgg, command):
    outcome = call(command, track, *vgg, "--out", f"{track}/below")
    assert outcome == (1, "", "Error: tones.wav: Not a directory: tones.wav/below.\n")


@pytest.mark.parametrize("command, file", [("embed", "tones.embedding.npz"), ("taggram", "tones.taggram.png")])
def test_a_write_error_is_one_line_and_leaves_nothing(call, track, vgg, folder, command, file):
    (folder / "out" / file).mkdir(parents=True)  # a folder has the name of the file
    outcome = call(command, track, *vgg, "--out", "out")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: tones.wav: There is a folder with the name") and outcome.err.count("\n") == 1
    assert [path.name for path in (folder / "out").iterdir()] == [file]


def test_a_write_error_names_the_file(call, track, vgg, folder):
    (folder / "out" / "tones.embedding.npz").mkdir(parents=True)
    assert "out/tones.embedding.npz" in call("embed", track, *vgg, "--out", "out").err


def test_a_wrong_model_leaves_no_folder_behind(call, track, folder):
    call("embed", track, "--model", "musicn", "--out", "out")
    assert not (folder / "out").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(call, folder, track, vgg):
    """A limit on the size of files has the effect of a full disk: the write fails after 2000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        outcome = call("embed", track, *vgg, "--out", "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "Error: tones.wav: File too large: out/tones.embedding.npz.\n"
    assert list((folder / "out").iterdir()) == []


@pytest.mark.needs("permissions")
def test_a_folder_without_permission_is_one_line(call, track, vgg, folder):
    (folder / "out").mkdir(mode=0o500)
    outcome = call("embed", track, *vgg, "--out", "out")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: tones.wav: Permission denied") and outcome.err.count("\n") == 1
