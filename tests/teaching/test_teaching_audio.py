"""The script, and the sounds that the real FluidSynth and espeak-ng render."""

import json
from random import Random

import numpy as np
import pytest

from keras_musictag.audio import read
from keras_musictag.gmtag.midi import Note
from keras_musictag.gmtag.rendering import to_mp3
from scripts.teaching import ensembles, solos, speech
from scripts.teaching.playing import draw_sound, played
from scripts.teaching.recording import rms
from scripts.teaching_audio import main

RATE_HZ = 16000
QUICK = "TimGM6mb"  # the soundfont that loads in a tenth of a second


@pytest.fixture
def corpus(tmp_path):
    """The beginning of a GM-Tag corpus: three train clips, one test clip."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 3), ("test", 1)):
        folder = tmp_path / "corpus/audio" / part
        folder.mkdir(parents=True)
        for index in range(count):
            pcm = generator.integers(-3000, 3000, RATE_HZ).astype(np.int16)
            (folder / f"{part}_{index:06d}.mp3").write_bytes(to_mp3(pcm))
    return tmp_path / "corpus"


def files_in(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_only_train_clips_of_gmtag_are_taken_once(corpus, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [str(out), "--only", "gmtag", "--gmtag", str(corpus)]
    main([*arguments, "--scale", "0.5"])
    assert sorted(files_in(out / "gmtag")) == ["train_000000.mp3", "train_000001.mp3"]
    main(arguments)
    before = files_in(out / "gmtag")
    assert sorted(before) == ["train_000000.mp3", "train_000001.mp3", "train_000002.mp3"]
    assert "is not finished" in capsys.readouterr().out  # it has no corpus.json
    (corpus / "corpus.json").write_text("{}")
    main(arguments)
    assert files_in(out / "gmtag") == before
    assert "3 in all, 0 to make" in capsys.readouterr().out
    assert json.loads((out / "sources.json").read_text())["parts"]["gmtag"]["files"] == 3


def test_a_folder_without_clips_is_a_one_line_error(tmp_path):
    with pytest.raises(SystemExit, match="There are no clips in"):
        main([str(tmp_path / "out"), "--only", "gmtag", "--gmtag", str(tmp_path)])


@pytest.mark.parametrize("options", [["--scale", "0"], ["--scale", "2"], ["--jobs", "0"], ["--only", "games"]])
def test_invalid_options_are_refused(options, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "out"), *options])
    assert ended.value.code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.needs("espeak_ng")
def test_the_same_command_restores_missing_files_exactly(tmp_path, capsys):
    arguments = [str(tmp_path), "--only", "other", "--scale", "0.01"]
    main(arguments)
    made = {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()}
    assert len(made) == 6
    before = files_in(tmp_path / "other")
    lost = sorted(made)[0]
    (tmp_path / "other" / lost).unlink()
    (tmp_path / "other" / f".{lost.removesuffix('.flac')}.part.flac").write_bytes(b"half")
    main(arguments)
    assert {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()} == made
    after = files_in(tmp_path / "other")
    assert [name for name in made if after[name] != before[name]] == [lost]
    part = json.loads((tmp_path / "sources.json").read_text())["parts"]["other"]
    assert part["files"] == 6
    assert part["hours"] * 3600 == pytest.approx(6 * 6, rel=0.5)
    assert "1 to make" in capsys.readouterr().out


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_a_note_has_its_pitch_without_aliasing():
    sound = draw_sound(Random(0), QUICK)
    samples = played([Note(0, 79, 69, 100, 0.0, 2.0)], [], sound, 2.0)  # an ocarina's A
    assert samples.shape == (2 * RATE_HZ,)
    spectrum = np.abs(np.fft.rfft(samples[RATE_HZ // 2 :] * np.hanning(RATE_HZ * 3 // 2)))
    hertz = np.fft.rfftfreq(RATE_HZ * 3 // 2, 1 / RATE_HZ)
    assert hertz[spectrum.argmax()] == pytest.approx(440, rel=0.01)


@pytest.mark.needs("fluidsynth", "soundfonts")
@pytest.mark.parametrize("clip", [solos.Solo(40, "melody", 0, QUICK), solos.Solo(8, "drums", 0, QUICK)], ids=str)
def test_a_solo_is_audible_and_repeatable(clip, tmp_path):
    for out in ("a", "b"):
        solos.make(tmp_path / out, clip)
        assert solos.is_done(tmp_path / out, clip)
    first, second = ((tmp_path / out / "solos" / f"{clip.name}.flac").read_bytes() for out in ("a", "b"))
    assert first == second
    audio = read(tmp_path / "a" / "solos" / f"{clip.name}.flac")
    assert solos.SHORTEST_SECONDS <= audio.duration_seconds <= solos.LONGEST_SECONDS
    assert audio.sample_rate_hz == RATE_HZ
    assert 0.003 < rms(audio.samples) < 0.3
    assert np.abs(audio.samples).max() < 0.96


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_an_ensemble_is_audible(tmp_path):
    clip = ensembles.Ensemble("rock", 0, QUICK)
    ensembles.make(tmp_path, clip)
    audio = read(tmp_path / "ensembles" / f"{clip.name}.flac")
    assert ensembles.SHORTEST_SECONDS <= audio.duration_seconds <= ensembles.LONGEST_SECONDS
    seconds = audio.samples[: int(audio.duration_seconds) * RATE_HZ].reshape(-1, RATE_HZ)
    assert min(map(rms, seconds[:-1])) > 0.002  # at least one instrument always plays


@pytest.mark.needs("espeak_ng")
def test_speech_is_audible_in_every_language():
    for language in speech.LANGUAGES:
        samples = speech.spoken(Random(language), language, 5.0)
        assert len(samples) == 5 * RATE_HZ, language
        assert rms(samples) > 0.005, language
