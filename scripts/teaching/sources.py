"""`sources.json`: what is in the folder, as a model's card cites it."""

from pathlib import Path

from keras_musictag.files import write_json
from scripts.teaching import store
from scripts.teaching.parts import NAMES, module_of

FILE = "sources.json"


def write(out: Path) -> str:
    """Measures the folder and writes `sources.json`; returns one line per part."""
    parts = {name: _measured(out, name) for name in NAMES if (out / name).is_dir()}
    content = {
        "sample_rate_hz": store.SAMPLE_RATE_HZ,
        "files": sum(part["files"] for part in parts.values()),
        "hours": round(sum(part["hours"] for part in parts.values()), 2),
        "parts": parts,
    }
    write_json(out / FILE, content, ensure_ascii=False)
    return "\n".join(f"{name}: {part['files']} files, {part['hours']:.2f} hours." for name, part in parts.items())


def _measured(out: Path, name: str) -> dict:
    files = sorted(path for path in (out / name).rglob("*.*") if path.is_file() and not path.name.startswith("."))
    seconds = sum(store.seconds_of(path) for path in files)
    size = sum(path.stat().st_size for path in files)
    return {"files": len(files), "hours": round(seconds / 3600, 2), "bytes": size, **module_of(name).facts(out)}
