"""Writes the zoo entries of the 23 checkpoints of the 2020 evaluation: cards and model cards, no weights.

    python scripts/port/sota2020.py [--out zoo]

The checkpoints stay in their authors' repository. An entry states the address and the git blob hash of its checkpoint
(scripts/port/sota2020_checkpoints.tsv), which is fetched and converted when the entry is first loaded. This script
fetches nothing. If it is run again, it writes the same bytes.
"""

import argparse
import csv
import os
import textwrap
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from keras_musictag.architectures import musicnn_2020
from keras_musictag.bundled_files import bundled
from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.tags import read_tags
from keras_musictag.zoo import Card, Licences, Reference, TrainedOn, Weights, write_card

REPOSITORY = "minzwon/sota-music-tagging-models"
COMMIT = "4e1d652d4a7b12437a624965e85890b70b4a111d"
ORIGIN = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}"
TABLE = Path(__file__).with_name("sota2020_checkpoints.tsv")
PAPER = (
    "Won, Ferraro, Bogdanov and Serra, Evaluation of CNN-based automatic music tagging models, 17th Sound and Music "
    "Computing Conference (SMC), 2020"
)
PAPER_URL = "https://arxiv.org/abs/2006.00751"
# the weights for the Million Song Dataset are of a larger network
CONFIGS = {("musicnn_2020", "msd"): musicnn_2020.Config(midend_filters=512, units=500)}


class Network(NamedTuple):
    """What the model card says about an architecture; `reported`: dataset -> (ROC-AUC, PR-AUC) of the paper's table."""

    title: str
    what: str
    source: str
    reported: dict[str, tuple[float, float]]


class Dataset(NamedTuple):
    title: str
    split: str
    licence: str
    citation: str
    limits: tuple[str, ...]


def _scores(*values: float) -> dict[str, tuple[float, float]]:
    return dict(zip(("mtat", "msd", "mtg-jamendo"), zip(values[::2], values[1::2], strict=True), strict=True))


NETWORKS = {
    "fcn": Network(
        "FCN",
        "five convolutions that pool a clip of 29 s to one point",
        "Choi, Fazekas and Sandler, Automatic tagging using deep convolutional neural networks, ISMIR 2016",
        _scores(0.9005, 0.4295, 0.8744, 0.2970, 0.8255, 0.2801),
    ),
    "musicnn_2020": Network(
        "Musicnn",
        "filters for timbre (tall, 7 frames wide) and for rhythm (long, on the mean of the bands), then convolutions "
        "over time. It is not the network of the entries `musicnn-*`, and the weights of one do not fit the other",
        "Pons, Nieto, Prockup, Schmidt, Ehmann and Serra, End-to-end learning for music audio tagging at scale, "
        "ISMIR 2018",
        _scores(0.9106, 0.4493, 0.8803, 0.2983, 0.8226, 0.2713),
    ),
    "crnn": Network(
        "CRNN",
        "four convolutions that describe 18 moments of a clip of 29 s, and two recurrent layers that summarise them",
        "Choi, Fazekas, Sandler and Cho, Convolutional recurrent neural networks for music classification, ICASSP 2017",
        _scores(0.8722, 0.3625, 0.8499, 0.2469, 0.7978, 0.2358),
    ),
    "sample_cnn": Network(
        "Sample-level CNN",
        "short convolutions on the waveform itself, in eleven steps",
        "Lee, Park, Kim and Nam, Sample-level deep convolutional neural networks for music auto-tagging using raw "
        "waveforms, SMC 2017",
        _scores(0.9058, 0.4422, 0.8789, 0.2959, 0.8208, 0.2742),
    ),
    "sample_cnn_se": Network(
        "Sample-level CNN with squeeze and excitation",
        "the sample-level CNN with residual blocks, each of which weights its channels by their content",
        "Kim, Lee and Nam, Sample-level CNN architectures for music auto-tagging using raw waveforms, ICASSP 2018",
        _scores(0.9103, 0.4520, 0.8838, 0.3109, 0.8233, 0.2784),
    ),
    "short_chunk_cnn_res": Network(
        "Short-chunk CNN with residual connections",
        "seven residual blocks of 3x3 convolutions on a short chunk",
        "the 2020 evaluation itself",
        _scores(0.9129, 0.4614, 0.8898, 0.3280, 0.8316, 0.2951),
    ),
    "self_attention": Network(
        "Self-attention (CNNSA)",
        "convolutions that describe 118 moments, and two layers of self-attention that relate them. As in the "
        "original, the layers do not know the order of the moments, and the first vector is a constant from a random "
        "seed",
        "Won, Chun and Serra, Toward interpretable music tagging with self-attention, arXiv 1906.04972, 2019",
        _scores(0.9077, 0.4445, 0.8810, 0.3103, 0.8261, 0.2883),
    ),
    "harmonic_cnn": Network(
        "Harmonic CNN",
        "a CNN on six harmonics of each of 128 pitches, with filters whose width is learned",
        "Won, Chun, Nieto and Serra, Data-driven harmonic filters for audio representation learning, ICASSP 2020",
        _scores(0.9127, 0.4611, 0.8898, 0.3298, 0.8322, 0.2956),
    ),
}
DATASETS = {
    "mtat": Dataset(
        "MagnaTagATune",
        "its authors' training list; 1,529 clips for validation and 4,332 for test",
        "audio CC BY-NC-SA 1.0 to 3.0 by track; annotations for research, no formal licence",
        "Law, West, Mandel, Bay and Downie, Evaluation of algorithms using games: the case of music tagging, ISMIR "
        "2009",
        (
            "The 50 tags are the most frequent answers of the players of a game, as they typed them. Near-synonyms are "
            "separate tags (`no vocals`, `no vocal`, `no voice`; `female`, `woman`, `female voice`): their scores "
            "overlap, and one meaning is split among several tags.",
            "The music is the catalogue of one label, Magnatune, and the tags name Western genres and instruments. "
            "Many test artists are also training artists, so expect lower scores on new artists than those reported.",
        ),
    ),
    "msd": Dataset(
        "the Million Song Dataset",
        "the first 201,680 tracks of its authors' training list; 28,435 tracks for test",
        "7digital previews, not redistributable; last.fm tags, non-commercial",
        "Bertin-Mahieux, Ellis, Whitman and Lamere, The Million Song Dataset, ISMIR 2011",
        (
            "The 50 tags are what last.fm listeners wrote: mostly Western rock and pop, with overlapping tags "
            "(`chill`, `chillout`; `female vocalist`, `female vocalists`) and opinions (`sexy`, `beautiful`).",
            "The order of the outputs is that of the list of tags in the authors' repository, which does not contain "
            "the annotations that they trained with.",
        ),
    ),
    "mtg-jamendo": Dataset(
        "MTG-Jamendo",
        "top 50 tags, split 0: 32,136 tracks; 10,888 for validation and 11,356 for test",
        "audio under the Creative Commons licence of each track; metadata CC BY-NC-SA 4.0",
        "Bogdanov, Won, Tovstogan, Porter and Serra, The MTG-Jamendo dataset for automatic music tagging, Machine "
        "Learning for Music Discovery Workshop, ICML 2019",
        (
            "The outputs are in alphabetical order of the dataset's full tag names, `genre---alternative` to "
            "`mood/theme---relaxing`. The list of tags in the authors' code has another order, and that code sorts it "
            "before training: with the unsorted list, tags get the scores of other tags. Here the tags are in the "
            "right order, without the prefixes of their groups.",
            "The tags are those that uploaders gave. A tag that was not given may still apply, so low scores were also "
            "learned from missing tags.",
        ),
    ),
}


def tagger_of(architecture: str, dataset: str) -> Tagger:
    """The network of an entry, with random weights."""
    tags = read_tags(bundled("tfrecords") / dataset / "tags.txt")
    config = CONFIGS.get((architecture, dataset))
    return Tagger(TaggerSpec.of(architecture, tags, config), precision="float32")


def card_of(tagger: Tagger, dataset: str, path: str, git_blob_sha1: str) -> Card:
    network, corpus = NETWORKS[tagger.spec.architecture], DATASETS[dataset]
    roc_auc, pr_auc = network.reported[dataset]
    return Card(
        name=f"{tagger.spec.architecture}-{dataset}-v1",
        summary=f"{network.title} of the 2020 evaluation, trained by its authors on {corpus.title}, 50 tags",
        model=tagger.spec.to_dict(),
        weights=Weights(
            file=None,
            url=f"{ORIGIN}/{path}",
            bytes=None,
            sha256=None,
            git_blob_sha1=git_blob_sha1,
            parameters=tagger.count_params(),
        ),
        trained_on=TrainedOn(dataset, "as used by its authors in 2020", corpus.split, None),
        reference=Reference(PAPER, PAPER_URL, {"roc_auc": roc_auc, "pr_auc": pr_auc}),
        licences=Licences(code="MIT", weights="MIT", training_data=corpus.licence),
        versions={"sota-music-tagging-models": COMMIT},
        recipe=None,
    )


def model_card(card: Card, tagger: Tagger) -> str:
    """The entry's README.md."""
    network, corpus = NETWORKS[card.architecture], DATASETS[card.trained_on.dataset]
    trainable = sum(weight.shape.num_elements() for weight in tagger.trainable_weights)
    megabytes = round(4e-6 * card.weights.parameters)
    reported = card.reference.reported
    paragraphs = [
        f"# {card.name}",
        f"{network.title}: {network.what}. Trained on {corpus.title} by the authors of the 2020 evaluation of music "
        f"taggers, it gives 50 scores for each {tagger.chunk_seconds:.3g} s of music. {card.weights.parameters:,} "
        f"parameters, of which {trainable:,} are trainable. `card.json` has the same facts for programs.",
        "The weights are not part of this package. They are fetched from their authors' repository when they are first "
        f"loaded (about {megabytes} MB), checked against the git blob hash in the card, converted and cached. "
        "[The guide](../../docs/checkpoints_2020.md) also explains how to work offline.",
        "## Use",
        f'```python\nimport keras_musictag as kmt\n\ntagger = kmt.load("{card.architecture}", '
        f'weights="{card.trained_on.dataset}")  # or kmt.load("{card.name}")\n'
        "for tag, score in tagger.tag(kmt.demo_clip(), top=3).tags:\n"
        '    print(f"{tag:20} {score:.3f}")\n```',
        "## Input",
        f"{input_of(tagger)} An embedding (`tagger.embed`) has "
        f"{tagger.get_layer(tagger.embedding_layer).output.shape[-1]} "
        "numbers per chunk.",
        "## Training",
        f"By the evaluation's authors, Minz Won, Andres Ferraro, Dmitry Bogdanov and Xavier Serra, on {corpus.title} "
        f"({corpus.split}). From their code: one random chunk per track and epoch, binary cross-entropy, Adam at 1e-4 "
        "with weight decay 1e-4 for 80 epochs, then SGD with Nesterov momentum at 1e-3, 1e-4 and 1e-5 up to epoch 200. "
        "The epoch with the lowest validation loss was kept.",
        f"The network follows {network.source}.",
        "## Scores",
        f"The authors report ROC-AUC {reported['roc_auc']:.4f} and PR-AUC {reported['pr_auc']:.4f}; they were not "
        "measured here. Both are means over the tags. A clip's score is the mean of 16 evenly spaced chunks; "
        "`tagger.tag` takes consecutive chunks.",
        "## Limits and fair use",
        *(f"- {limit}" for limit in corpus.limits),
        "- A score is not a calibrated probability: sort the scores instead of comparing them with 0.5.",
        "- Do not use the tags for decisions about people.",
        f"- Training data: {corpus.licence}.",
        "## Licence and citation",
        "Code and weights: MIT, copyright (c) 2020 Music Technology Group, Universitat Pompeu Fabra, code developed by "
        f"Minz Won ([{REPOSITORY}](https://github.com/{REPOSITORY}) at commit {COMMIT[:7]}).",
        f"Please cite {PAPER} ({PAPER_URL}), and {corpus.citation}.",
    ]
    text = ""
    for before, paragraph in zip(["", *paragraphs], paragraphs, strict=False):
        items = before.startswith("- ") and paragraph.startswith("- ")
        text += ("" if not before else "\n" if items else "\n\n") + wrapped(paragraph)
    return text + "\n"


def input_of(tagger: Tagger) -> str:
    """The front end in words."""
    samples = tagger.spec.chunking.chunk_samples
    start = "Audio is mixed to mono and resampled to 16 kHz."
    spectrum = "The features are a power spectrum (Hann windows of 512 samples every 256, centred by reflection),"
    if tagger.spec.architecture.startswith("sample_cnn"):
        return f"{start} The network takes the waveform itself, {samples:,} samples (3 to the power of 10) per chunk."
    if tagger.spec.architecture == "harmonic_cnn":
        bands = "triangular filters around six harmonics of 128 pitches from 32.7 to 1281 Hz,"
    else:
        bands = f"{tagger.spec.frontend_config.num_mels} mel bands from 0 to 8 kHz (HTK scale, unit peak),"
    return f"{start} {spectrum} {bands} and decibels with a floor of -100 dB. A chunk has {samples:,} samples."


def wrapped(paragraph: str) -> str:
    if paragraph.startswith(("#", "```")):
        return paragraph
    indent = "  " if paragraph.startswith("- ") else ""
    return textwrap.fill(paragraph, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def write(out: Path) -> list[Card]:
    """Writes the 23 entries below `out`."""
    cards = []
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        tagger = tagger_of(row["architecture"], row["dataset"])
        card = card_of(tagger, row["dataset"], row["path"], row["git_blob_sha1"])
        folder = out / card.name
        folder.mkdir(parents=True, exist_ok=True)
        write_card(card, folder)
        (folder / "README.md").write_text(model_card(card, tagger), encoding="utf-8")
        cards.append(card)
    return cards


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=bundled("zoo"), help="folder to write the entries to [%(default)s]")
    for card in write(parser.parse_args().out):
        print(f"{card.name}: {card.weights.parameters:,} parameters")


if __name__ == "__main__":
    main()
