"""Load on a real `keras-musictag serve`: many clients at once on loopback, against what the work itself costs.

    python scripts/bench_serve.py [--seconds 60] [--clients 50] [--kinds tag predict] [--model musicnn-mtat-v1]

Half of the clients post an MP3 of 9 s to /api/tag, the others a chunk as JSON to TensorFlow Serving's `:predict`. Each
sends its next request when the answer has come, and after a 429 when `Retry-After` says so. They are one process.

The limit is what the cores could do if the server cost nothing: cores / core-seconds per request. These are measured
before and after the load, in a process without a server: decoding the MP3 or reading the JSON, and running the network
in full batches. With two kinds of requests, the shares of the limit that they use are added up. Linux only.
docs/reliability.md contains the output.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import httpx
import numpy as np
from bench_library_memory import family_of, memory_mb
from prometheus_client.parser import text_string_to_metric_families

import keras_musictag as kmt
from keras_musictag.audio import Chunking, cut, open_audio, read, resample
from keras_musictag.processes import usable_cores

CLIP_SECONDS = 9.0
SETTLE_SECONDS = 10.0  # of load before the measurement begins: decoders start
WORK_SECONDS = 5.0  # for each kind of work without a server
START_SECONDS = 300.0  # with another engine, the first start exports the model
MEMORY_READINGS = 6
COMMAND = [sys.executable, "-c", "from keras_musictag.cli import main; main()", "serve"]
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass
class Kind:
    """One kind of request: its body, made once so that clients cost little, and what the clients saw."""

    title: str
    path: str
    content: bytes
    content_type: str
    core_seconds: float = 0.0
    statuses: Counter = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def clip() -> bytes:
    """The start of the demo clip as a stereo MP3 at 44.1 kHz, as songs are."""
    samples = resample(read(kmt.demo_clip()).samples, 16000, 44100)[: round(44100 * CLIP_SECONDS)]
    with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
        with av.open(file.name, "w", format="mp3") as container:
            stream = container.add_stream("libmp3lame", rate=44100, layout="stereo", bit_rate=192_000)
            frame = av.AudioFrame.from_ndarray(np.stack([samples] * 2), format="fltp", layout="stereo")
            frame.sample_rate = 44100
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return Path(file.name).read_bytes()


def chunk_json(chunk_samples: int) -> bytes:
    """A chunk of the demo clip as the body of a `:predict` request."""
    chunk = read(kmt.demo_clip()).samples[16000 : 16000 + chunk_samples]
    return json.dumps({"instances": [chunk.astype(float).round(5).tolist()]}).encode()


def kinds_of(model: str, mp3: bytes, chunk: bytes) -> dict[str, Kind]:
    """Both kinds of requests, by the names that the options use."""
    form = httpx.Request("POST", "http://x", data={"model": model}, files={"file": ("song.mp3", mp3)})
    return {
        "tag": Kind(f"`/api/tag`, an MP3 of {CLIP_SECONDS:g} s", "/api/tag", form.read(), form.headers["content-type"]),
        "predict": Kind("`:predict`, a chunk", f"/v1/models/{model}:predict", chunk, "application/json"),
    }


@contextmanager
def running_server(model: str, engine: list[str]) -> Iterator[tuple[int, str]]:
    """A server process; yields its number and its address once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [*COMMAND, "--model", model, "--port", str(port), *engine], env=QUIET, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The server did not start.")
            time.sleep(0.1)
        yield process.pid, address
    finally:
        process.terminate()
        code = process.wait(60)
    if code:
        raise SystemExit(f"The server ended with {code}.")


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


class Load:
    """Clients that send one request after another, and count those that end within the measurement."""

    def __init__(self, address: str, kinds: list[Kind], clients: int):
        self._address, self._kinds, self._clients = address, kinds, clients
        self._is_measured = False

    async def run(self, seconds: float, server: int) -> tuple[float, float, float, list[float]]:
        """Returns the seconds measured, the core-seconds of server and clients, and readings of the memory in MB."""
        limits = httpx.Limits(max_connections=self._clients, max_keepalive_connections=self._clients)
        async with httpx.AsyncClient(base_url=self._address, limits=limits, timeout=120) as http:
            tasks = [asyncio.create_task(self._client(http, number)) for number in range(self._clients)]
            await asyncio.sleep(SETTLE_SECONDS)
            self._is_measured, begun = True, time.perf_counter()
            used, own, memory = core_seconds(server), time.process_time(), [memory_mb(server)[0]]
            for _ in range(MEMORY_READINGS - 1):
                await asyncio.sleep(seconds / (MEMORY_READINGS - 1))
                memory.append(memory_mb(server)[0])
            self._is_measured = False
            measured = time.perf_counter() - begun
            used, own = core_seconds(server) - used, time.process_time() - own
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return measured, used, own, memory

    async def _client(self, http: httpx.AsyncClient, number: int) -> None:
        kind = self._kinds[number % len(self._kinds)]
        headers = {"Content-Type": kind.content_type}
        while True:
            begun = time.perf_counter()
            try:
                reply = await http.post(kind.path, content=kind.content, headers=headers)
                status = str(reply.status_code)
            except httpx.TransportError as error:
                reply, status = None, type(error).__name__
            if self._is_measured:
                kind.statuses[status] += 1
                if status == "200":
                    kind.seconds.append(time.perf_counter() - begun)
            if status != "200":
                wait = reply.headers.get("retry-after") if reply is not None else None
                await asyncio.sleep(float(wait or 1))


def core_seconds(root: int) -> float:
    """Processor time of a process, of those below it, and of those that it has waited for."""
    total = 0
    for pid in family_of(root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def measure_work(model: str, engine: str | None, folder: Path) -> None:
    """Prints core-seconds without a server, as JSON: of decoding the MP3, reading the JSON, and one chunk of each."""
    from keras_musictag.web.serving_json import read_request, to_numbers

    tagger = kmt.load(model, engine=engine or None)
    mp3, body, chunking = folder / "clip.mp3", (folder / "chunk.json").read_bytes(), tagger.chunking

    def decode() -> int:
        with open_audio(mp3, chunking.sample_rate_hz) as blocks:
            return len([*cut(blocks, chunking)])

    def read_json() -> None:
        to_numbers(read_request(body).value, "waveform", "", rank=2)

    batch = np.resize(read(kmt.demo_clip()).samples, (batch_size(chunking), chunking.chunk_samples))
    run = tagger.runner() if engine is None else tagger.chunk_outputs
    chunk = per_call(lambda: run(batch)) / len(batch)
    print(json.dumps({"tag": per_call(decode) + decode() * chunk, "predict": per_call(read_json) + chunk}))


def batch_size(chunking: Chunking) -> int:
    from keras_musictag.library.network_batches import batch_chunks

    return batch_chunks(chunking)


def per_call(function) -> float:
    """Core-seconds of a call, the mean over a few seconds."""
    function()
    begun, used, calls = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begun < WORK_SECONDS:
        function()
        calls += 1
    return (time.process_time() - used) / calls


def work_without_a_server(model: str, engine: str, mp3: bytes, chunk: bytes) -> dict[str, float]:
    """The core-seconds of each kind of request, measured in another process."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "clip.mp3").write_bytes(mp3)
        (Path(folder) / "chunk.json").write_bytes(chunk)
        command = [sys.executable, __file__, "--work", model, engine, folder]
        return json.loads(subprocess.run(command, env=QUIET, check=True, stdout=subprocess.PIPE).stdout)


def mean_batch(metrics: str) -> float:
    """Mean number of chunks in a batch, since the server started."""
    numbers = {family.name: family.samples for family in text_string_to_metric_families(metrics)}
    samples = {sample.name: sample.value for sample in numbers["keras_musictag_batch_chunks"]}
    return samples["keras_musictag_batch_chunks_sum"] / samples["keras_musictag_batch_chunks_count"]


def report(
    kinds: list[Kind], clients: int, seconds: float, server: float, own: float, memory: list[float], batch: float
) -> None:
    """Prints the table, and what it cost."""
    cores, share = usable_cores(), 0.0
    print(
        "| request | clients | core-seconds of the work | requests/s | share of the limit | median | 99th | answers |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for index, kind in enumerate(kinds):
        used = len(kind.seconds) * kind.core_seconds / (cores * seconds)
        share += used
        median, late = np.percentile(kind.seconds, (50, 99)) if kind.seconds else (np.nan, np.nan)
        answers = ", ".join(f"{count} of {status}" for status, count in sorted(kind.statuses.items()))
        shared = len(range(index, clients, len(kinds)))
        print(
            f"| {kind.title} | {shared} | {kind.core_seconds:.4f} | {len(kind.seconds) / seconds:.1f} | {used:.0%} | "
            f"{median:.2f} s | {late:.2f} s | {answers} |"
        )
    readings = ", ".join(f"{reading:.0f}" for reading in memory)
    print()
    print(
        f"{share:.0%} of what {cores} cores can do, in {seconds:.0f} s with {clients} clients. Of the cores' time, the "
        f"server and its decoders used {server / (cores * seconds):.0%} and the clients {own / (cores * seconds):.0%}; "
        f"{share * cores * seconds / server:.0%} of the server's was the work itself. Batches had {batch:.1f} chunks. "
        f"Memory (RSS) of the server and its decoders during that time: {readings} MB."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--kinds", nargs="+", choices=("tag", "predict"), default=("tag", "predict"))
    parser.add_argument("--model", default="musicnn-mtat-v1")
    parser.add_argument("--engine", default="")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        model, engine, folder = arguments.work
        measure_work(model, engine or None, Path(folder))
        return
    model, engine = arguments.model, arguments.engine
    with running_server(model, ["--engine", engine] if engine else []) as (server, address):
        described = httpx.get(f"{address}/v1/models/{model}/metadata").json()["metadata"]["signature_def"]
        dimensions = described["signature_def"]["serving_default"]["inputs"]["waveform"]["tensor_shape"]["dim"]
        mp3, chunk = clip(), chunk_json(int(dimensions[1]["size"]))
        kinds = {name: kind for name, kind in kinds_of(model, mp3, chunk).items() if name in arguments.kinds}
        before = work_without_a_server(model, engine, mp3, chunk)
        measured = asyncio.run(Load(address, [*kinds.values()], arguments.clients).run(arguments.seconds, server))
        batch = mean_batch(httpx.get(f"{address}/metrics").text)
        after = work_without_a_server(model, engine, mp3, chunk)
    for name, kind in kinds.items():
        kind.core_seconds = (before[name] + after[name]) / 2
    report([*kinds.values()], arguments.clients, *measured, batch)


if __name__ == "__main__":
    main()
