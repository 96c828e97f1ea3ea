"""Outputs of a batch, each computed when it is first asked for: for engines that run once for each of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np


class LazyOutputs(Mapping):
    """A read-only dict of outputs. Both at once would take twice the time of the one that is wanted.

    Args:
        names: Of the outputs.
        compute: Gives the output of a name.

    Example:
        >>> outputs = LazyOutputs(["scores", "embedding"], lambda name: np.zeros(len(name)))
        >>> list(outputs), outputs["scores"].shape
        (['scores', 'embedding'], (6,))
    """

    def __init__(self, names: Iterable[str], compute: Callable[[str], np.ndarray]):
        self._names, self._compute, self._found = tuple(names), compute, {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._found:
            self._found[name] = self._compute(name)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
