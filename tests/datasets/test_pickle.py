"""Python 2 pickles: real ones are read; hostile ones are refused and run nothing."""

import gzip
import os
import pickle
import struct

import numpy as np
import pytest

from keras_musictag.datasets._pickle import read_pickle
from keras_musictag.errors import DatasetError
from tests.datasets.official_msd import py2_dict, py2_list, py2_vectors
from tests.shared import FOLDER

DTYPE = b"cnumpy\ndtype\n(S'%s'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
EMPTY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"


@pytest.fixture
def read(tmp_path):
    """A function of a pickle's bytes."""

    def read_bytes(content: bytes):
        path = tmp_path / "list.cP"
        path.write_bytes(content)
        return read_pickle(path)

    return read_bytes


@pytest.mark.needs("shared")
@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("msd/jongpillee/filtered_list_test", 28435, "TRAADIN128F931D672"),
        ("mtat/jongpillee/valid_list_pub", 1529, "c/atomic_opera-alpha_and_oranges-01-rain_parade-117-146.npy"),
        ("mtat/jongpillee/test_list_pub", 4332, None),
        ("mtat/jongpillee/train_list_pub", 15244, None),
    ],
)
def test_published_lists_are_read_like_python_does(read, name, count, first):
    content = gzip.decompress((FOLDER / "datasets" / f"{name}.cP.gz").read_bytes())
    values = read(content)
    assert values == pickle.loads(content)  # these files are known to be harmless
    assert len(values) == count and (first is None or values[0] == first)


def test_dicts_and_arrays_are_read_like_python_does(read):
    vectors = py2_vectors({"TRA": (True, False, True), "TRB": (False, True, True)})
    ours, python = read(vectors), pickle.loads(vectors, encoding="latin1")
    assert list(ours) == list(python) == ["TRA", "TRB"]
    for key in ours:
        assert ours[key].dtype == python[key].dtype == bool and ours[key].shape == (3, 1)
        np.testing.assert_array_equal(ours[key], python[key])
    assert read(py2_dict({"1": "a/b"})) == {"1": "a/b"}
    assert read(py2_list(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_plain_values_of_every_old_protocol_are_read(read, protocol):
    values = [{"a": 1, 2: -3.5}, ("x", None, True, 2**70), [[], {}, ()], "ü", 300, 70000]
    assert read(pickle.dumps(values, protocol=protocol)) == values


def test_floats_and_scalars_of_any_byte_order_are_read(read):
    data = np.array([1.5, -2.0], ">f8")
    escaped = "".join(f"\\x{byte:02x}" for byte in data.tobytes())
    dtype = "cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'>'\nNNNI-1\nI-1\nI0\ntb"
    state = f"(I1\n(I2\nt{dtype}I00\nS'{escaped}'\ntb."
    np.testing.assert_array_equal(read(EMPTY + state.encode()), data)
    scalar = f"cnumpy.core.multiarray\nscalar\n({dtype}S'{escaped[:32]}'\ntR."
    assert read(scalar.encode()) == 1.5


class Evil:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


MARKER = "was_run"
HOSTILE = {
    "os.system": lambda: Evil(os.system, f"touch {MARKER}"),
    "eval": lambda: Evil(eval, f"open('{MARKER}', 'w')"),
    "exec": lambda: Evil(exec, f"open('{MARKER}', 'w')"),
    "open": lambda: Evil(open, MARKER, "w"),
    "getattr": lambda: Evil(getattr, "", "__class__"),
    "in a list": lambda: ["a", ["b", Evil(os.system, f"touch {MARKER}")]],
    "as a value": lambda: {"a": {"b": Evil(eval, f"open('{MARKER}', 'w')")}},
    "as an argument": lambda: Evil(len, Evil(os.system, f"touch {MARKER}")),
    "numpy.load": lambda: Evil(np.load, "x.npy"),
    "objects": lambda: {"a": np.array([Evil(os.system, f"touch {MARKER}")], object)},
}


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_is_refused_and_runs_nothing(read, name, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match="pickle"):
        read(pickle.dumps(HOSTILE[name](), protocol=protocol))
    assert not (tmp_path / MARKER).exists()


def test_the_message_names_what_a_pickle_would_call(read):
    with pytest.raises(DatasetError, match=r"holds '.*\.system'; expected"):
        read(pickle.dumps(HOSTILE["os.system"](), protocol=0))


def test_the_hostile_pickles_are_really_hostile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(HOSTILE["as a value"](), protocol=0))
    assert (tmp_path / MARKER).exists()


BY_HAND = {
    "a memo that calls a later name": b"cos\np1\n0(S'x'\ntg1\nR.",
    "a stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
    "an instance": b"(S'x'\nios\nsystem\n.",
    "a new object": b"\x80\x02cos\nsystem\n(S'x'\nt\x81.",
    "an extension code": b"\x80\x02\x82\x01.",
    "a persistent id": b"Px\n.",
    "a call of a string": b"S'os.system'\n(S'x'\ntR.",
    "a call of a number's type": DTYPE % b"b1" + b"(S'x'\ntR.",
    "numpy.ndarray itself": b"cnumpy\nndarray\n((I9999999999\ntS'b1'\ntR.",
    "another array class": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntS'b'\ntR.",
    "objects": EMPTY + b"(I1\n(I1\nt" + DTYPE % b"O8" + b"I00\n(lS'x'\natb.",
    "a list as numbers": EMPTY + b"(I1\n(I1\nt" + DTYPE % b"b1" + b"I00\n(lS'x'\natb.",
    "an array larger than its data": EMPTY + b"(I1\n(I100000000000\nt" + DTYPE % b"b1" + b"I00\nS'abc'\ntb.",
    "truth values other than 0 and 1": EMPTY + b"(I1\n(I3\nt" + DTYPE % b"b1" + b"I00\nS'abc'\ntb.",
    "an array of a negative size": EMPTY + b"(I1\n(I-1\nI-3\nt" + DTYPE % b"b1" + b"I00\nS'abc'\ntb.",
    "an array of 70 dimensions": EMPTY + b"(I1\n(" + b"I1\n" * 70 + b"t" + DTYPE % b"b1" + b"I00\nS'\\x01'\ntb.",
    "a scalar of too many bytes": b"cnumpy.core.multiarray\nscalar\n(" + DTYPE % b"i2" + b"S'abc'\ntR.",
    "a state for a name": b"cnumpy\ndtype\n(S'__name__'\nS'x'\ndb.",
    "a state for a list": b"(l(S'x'\nI1\ndb.",
    "a text that is longer than the file": b"X\xff\xff\xff\x7fabc.",
    "a byte array of 2**62": b"\x80\x05\x96" + struct.pack("<Q", 2**62) + b"abc.",
    "a frame of 2**62": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "a number of a million digits": b"L" + b"9" * 10**6 + b"L\n.",
    "a key that is a tuple nested very deep": b")" + b"\x85" * 300_000 + b"p0\n}g0\nNs.",
    "a mark only": b"(",
    "no end": b"(lp1\nS'a'\na",
    "nothing": b"",
    "a text": b"TRAADIN128F931D672\n",
    "a string that Python would not write": b"Sos.system\n.",
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_pickle_made_by_hand_is_refused(read, name):
    with pytest.raises(DatasetError, match=r"list\.cP"):
        read(BY_HAND[name])


def test_a_memo_index_of_2_to_the_31_allocates_nothing(read):
    assert read(b"(lr\xff\xff\xff\x7f.") == []  # Python's reader in C would take 16 GB


def test_many_arrays_of_one_string_do_not_fill_the_memory(read, monkeypatch):
    monkeypatch.setattr("keras_musictag.datasets._pickle.MAX_BYTES", 100_000)
    first = b"(S'%s'\np1\n" % (b"a" * 10_000)
    array = EMPTY + b"(I1\n(I10000\nt" + DTYPE % b"i1" + b"I00\ng1\ntb"
    assert len(read(first + 3 * array + b"l.")) == 4
    with pytest.raises(DatasetError, match="more than 100000 bytes"):
        read(first + 50 * array + b"l.")


def test_a_file_that_is_too_large_is_not_loaded(read, monkeypatch):
    monkeypatch.setattr("keras_musictag.datasets._pickle.MAX_BYTES", 10)
    with pytest.raises(DatasetError, match="larger than 10 bytes"):
        read(py2_list(["a", "b", "c"]))


def test_damaged_pickles_are_read_or_refused(read):
    content = py2_vectors({"TRA": (True, False, True), "TRB": (False, True, True)})
    for end in range(0, len(content) - 1, 5):
        with pytest.raises(DatasetError):
            read(content[:end])
    random = np.random.default_rng(0)
    for position in random.integers(0, len(content), 100):
        damaged = bytearray(content)
        damaged[position] ^= int(random.integers(1, 256))
        try:
            assert isinstance(read(bytes(damaged)), dict | list | tuple | str | int | float | np.ndarray | None)
        except DatasetError:
            continue
