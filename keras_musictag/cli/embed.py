"""`keras-musictag embed`: embeddings of tracks, for search, clustering and your own classifiers."""

import click

from keras_musictag.cli import _options
from keras_musictag.files import whole_file


@click.command()
@_options.paths_argument
@_options.model_options
@click.option("--layer", help="Layer whose output to write.  [default: the penultimate layer]")
@_options.tail_option
@_options.hop_option
@_options.out_option
def command(paths, model, weights, layer, tail, hop_seconds, out):
    """Write the embeddings of music files, one per chunk.

    PATH... are music files; `-` is standard input. For each, the NumPy file <track>.embedding.npz is written to the
    folder --out. It contains `embedding` (chunks, features), `start_seconds` and `end_seconds` (chunks,), `layer` and
    `model`.
    """
    files = _options.output_files(paths, out, ".embedding.npz")
    _options.exit_if_all_are_missing(paths)
    import numpy as np

    from keras_musictag.tagger.track import run_track

    tagger = _options.load_model(model, weights)
    layer = layer or tagger.embedding_layer
    run = tagger.runner(layer)

    def process(path):
        outputs, spans, facts = run_track(
            run, tagger.spec.chunking, _options.audio_source(path), hop_seconds=hop_seconds, tail=tail
        )
        _options.print_notes(path, facts.notes)
        with whole_file(files[path]) as file:
            np.savez(
                file,
                embedding=outputs,
                start_seconds=spans[:, 0],
                end_seconds=spans[:, 1],
                layer=layer,
                model=tagger.name,
            )
        return files[path]

    for file in _options.each_track(paths, process):
        click.echo(f"Wrote {file}")
