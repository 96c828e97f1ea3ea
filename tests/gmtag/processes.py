"""What Linux reports about processes."""

import time
from pathlib import Path


def state_and_parent(pid: int | str) -> tuple[str, int]:
    """The state of a process, such as "S" or "Z", and its parent's id, from Linux; ("", 0) if it does not exist."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    return state, int(parent)


def children(parent: int) -> list[int]:
    pids = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [int(pid) for pid in pids if state_and_parent(pid)[1] == parent]


def is_running(pid: int) -> bool:
    return state_and_parent(pid)[0] not in ("", "Z")


def wait_for(condition, seconds: float = 120) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"It did not happen within {seconds} s.")
