"""`ServerSettings`: what the server offers, to whom, and how much of everything."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

MEBIBYTE = 2**20


@dataclass(frozen=True)
class ServerSettings:
    """The settings of a server: plain data, checked when it is made.

    Attributes:
        models: Names of zoo entries that can be chosen, the default one first; they are loaded at the start. Empty: all
            entries whose weights are on this machine, of which the default one is loaded at the start.
        engine: The runtime of the models, as in `kmt.load`; None for Keras.
        database: The database of `library scan` that the page shows; None for no library.
        records: Folders of records on which models can be evaluated.
        reports: Folders of runs of `evaluate` whose reports are shown.
        host: Address or name to listen on.
        port: Port to listen on.
        token: What clients must send as a bearer token; None if anyone may use the server.
        allowed_hosts: Further names by which clients reach the server, such as that of a proxy.
        max_upload_bytes: The largest file that is accepted.
        max_audio_seconds: The longest track that is accepted.
        max_chunks_per_track: The most chunks into which a track may be cut; it limits how small a hop may be.
        max_queued_chunks: How many chunks of all clients may wait for a model before requests are refused.
        max_memory_bytes: Memory that loaded models may occupy together, about, before the longest unused one is
            dropped.
        max_stored_bytes: Space that the uploads may occupy together; as much again may be on its way.
        upload_seconds: How long an upload is kept after its last use.
        stall_seconds: How long a client may send nothing in the middle of a request.
        decoder_seconds: How long a process that decodes may make no progress before it is ended.
        decoders: How many processes decode audio at the same time at most.
        max_running_jobs: How many jobs of one kind run at the same time; further ones wait. Long tracks are a kind of
            their own, of which half as many run as there are decoders, so that short ones do not wait for them.
        max_waiting_jobs: How many jobs may wait before further ones are refused.
        max_kept_jobs: How many finished jobs are kept, for clients that come back.
        drain_seconds: How long running requests may take after the server was asked to end.

    Raises:
        ValueError: If a number is not positive, or the token is empty.

    Example:
        >>> ServerSettings(port=9000).host
        '127.0.0.1'
    """

    models: tuple[str, ...] = ()
    engine: str | None = None
    database: Path | None = None
    records: tuple[Path, ...] = ()
    reports: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    max_upload_bytes: int = 200 * MEBIBYTE
    max_audio_seconds: float = 180 * 60.0
    max_chunks_per_track: int = 20_000
    max_queued_chunks: int = 512
    max_memory_bytes: int = 2048 * MEBIBYTE
    max_stored_bytes: int = 2048 * MEBIBYTE
    upload_seconds: float = 3600.0
    stall_seconds: float = 30.0
    decoder_seconds: float = 60.0
    decoders: int = 8
    max_running_jobs: int = 16
    max_waiting_jobs: int = 64
    max_kept_jobs: int = 64
    drain_seconds: float = 30.0

    def __post_init__(self):
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not value > 0:
                raise ValueError(f"`{name}` must be positive. Received: {value}.")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token.strip()):
            raise ValueError("`token` must be printable ASCII letters and digits, and not empty; None for no token.")


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach a server that listens on `host`.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
        (True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
