import io
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from keras_musictag.zoo.importers import torch_file
from keras_musictag.zoo.importers.torch_file import read_state_dict
from tests import shared
from tests.zoo.importers import torch_writer as writer
from tests.zoo.importers.torch_writer import Raw, call, name, persistent, storage, tensor

# Every comparison is exact: reading changes no bit.

DATA = Path(__file__).parent / "data"  # written by PyTorch 2.13.0 from seeded random numbers
FORMATS = {"legacy": (writer.legacy, (None,)), "zip": (writer.zipped, ())}
FOUR = {"0": (4, np.arange(4, dtype="<f4").tobytes())}  # one storage of four numbers
RANDOM = np.random.default_rng(0)
ARRAYS = {
    code: RANDOM.integers(0, 2 if code == "?" else 100, (2, 3)).astype(code)
    for code in ("f4", "f8", "f2", "i8", "i4", "i2", "i1", "u1", "?")
}
ARRAYS |= {"scalar": np.array(2.5, "f4"), "empty": np.zeros((0, 3), "f4"), "cube": RANDOM.random((2, 3, 4))}


@pytest.fixture(params=FORMATS)
def save(request, tmp_path):
    """Writes a tree whose tensors view one storage "0", made by `of(kind, total)`."""
    write, view = FORMATS[request.param]

    def save(tree, data=FOUR, **options):
        path = tmp_path / "x.pth"
        path.write_bytes(write(tree, data, **options))
        return path

    save.of = lambda kind="Float", total=4: storage(kind, "0", total, *view)
    save.view = view
    return save


def assert_same(found, expected):
    assert list(found) == list(expected)
    for key, array in expected.items():
        assert (found[key].dtype, found[key].shape) == (array.dtype, array.shape), key
        np.testing.assert_array_equal(found[key], array, err_msg=key)
        assert found[key].flags.c_contiguous and found[key].flags.writeable


def refused(path, reason):
    with pytest.raises(ValueError, match=f"x.pth .*{reason}.*it was not loaded") as caught:
        read_state_dict(path)
    assert "\n" not in str(caught.value)


# What is read


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture", ["crnn", "fcn", "musicnn"])
def test_published_checkpoints_are_read_exactly(architecture):
    found = read_state_dict(shared.FOLDER / "reference" / "upstream" / f"mtat_{architecture}.pth")
    expected = shared.load("weights", "sota", f"mtat_{architecture}.npz")
    fixed = re.compile(r"num_batches_tracked|spec\.spectrogram\.window|spec\.mel_scale\.fb")  # left out of the npz
    assert_same({key: found[key] for key in expected}, expected)
    assert all(fixed.search(key) for key in found.keys() - expected.keys())


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_files_from_pytorch_are_read_exactly(kind):
    with np.load(DATA / "torch_2.13.npz") as expected:
        assert_same(read_state_dict(DATA / f"torch_2.13_{kind}.pth"), dict(expected))


def test_all_types_and_shapes_are_read_exactly(save):
    assert_same(read_state_dict(save(*writer.parts(ARRAYS, save.view))), ARRAYS)


def test_bfloat16_becomes_float32_exactly(save):
    path = save({"a": tensor(save.of("BFloat16"), 0, (4,), (1,))}, {"0": (4, b"\x80\x3f\x49\x40\x80\xff\x01\x00")})
    expected = np.array([1, 3.140625, -np.inf, 2.0**-133], np.float32)  # 2**-133: the smallest bfloat16
    assert_same(read_state_dict(path), {"a": expected})


def test_any_byte_but_zero_is_true(save):
    path = save({"a": tensor(save.of("Bool"), 0, (4,), (1,))}, {"0": (4, b"\x00\x01\x02\xff")})
    assert_same(read_state_dict(path), {"a": np.array([False, True, True, True])})


def test_tensors_of_one_storage_become_separate_arrays(save):
    of = save.of()
    tree = {"t": tensor(of, 0, (2, 2), (1, 2)), "odd": tensor(of, 1, (2,), (2,)), "same": tensor(of, 3, (3,), (0,))}
    found = read_state_dict(save(tree))
    values = {"t": [[0, 2], [1, 3]], "odd": [1, 3], "same": [3, 3, 3]}
    assert_same(found, {key: np.array(value, np.float32) for key, value in values.items()})
    found["t"][:] = 9
    np.testing.assert_array_equal(found["odd"], [1, 3])


def test_a_legacy_view_of_a_storage_starts_at_its_offset(tmp_path):
    of = storage("Float", "0", 4, ("view", 1, 2))
    path = tmp_path / "x.pth"
    path.write_bytes(writer.legacy({"a": tensor(of, 1, (1,), (1,))}, FOUR))
    assert_same(read_state_dict(path), {"a": np.array([2], np.float32)})
    path.write_bytes(writer.legacy({"a": tensor(of, 1, (2,), (1,))}, FOUR))
    refused(path, "beyond its storage")


def test_parameters_and_the_oldest_tensors_are_read(save):
    oldest = call(name("torch._utils", "_rebuild_tensor"), save.of(), 0, (4,), (1,))
    parameter = call(name("torch._utils", "_rebuild_parameter"), oldest, True, None)
    expected = np.arange(4, dtype=np.float32)
    assert_same(read_state_dict(save({"a": oldest, "b": parameter})), {"a": expected, "b": expected})


def test_the_attributes_of_a_state_dict_are_dropped(save):
    start = call(name("collections", "OrderedDict")).code
    items = b"(" + writer.encode("a") + tensor(save.of(), 0, (4,), (1,)).code + b"u"
    state = writer.encode({"_metadata": {"": {"version": 1}}, "update": 1, "__class__": 2}) + b"b"
    found = read_state_dict(save(Raw(start + items + state)))
    assert type(found) is dict and list(found) == ["a"] and not hasattr(found, "_metadata")


def test_an_empty_state_dict_is_empty(save):
    assert read_state_dict(save({}, {})) == {}


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pth"):
        read_state_dict(tmp_path / "none.pth")


def test_reading_imports_no_pytorch():
    code = f"""import sys
from keras_musictag.zoo.importers.torch_file import read_state_dict
read_state_dict({str(DATA / "torch_2.13_zip.pth")!r})
assert not {{"torch", "tensorflow", "keras"}} & sys.modules.keys()"""
    subprocess.run([sys.executable, "-c", code], check=True)


# What would run code


def touch(path):
    return f"open({str(path)!r}, 'w')"


def hostile(proof):
    """Payloads that create the file `proof` if a common unpickler loads them."""
    evaluate, text = name("builtins", "eval"), writer.encode(touch(proof))
    return {
        "REDUCE": ("builtins.eval", call(evaluate, touch(proof)).code),
        "system": ("os.system", call(name("os", "system"), f"touch {proof}").code),
        "INST": (r"INST \('builtins eval'\)", b"(" + text + b"ibuiltins\neval\n"),
        "OBJ": ("builtins.eval", b"(" + evaluate.code + text + b"o"),
        "STACK_GLOBAL": ("builtins.eval", b"\x8c\x08builtins\x8c\x04eval\x93" + text + b"\x85R"),
        "load": ("torch.load", call(name("torch", "load"), str(proof)).code),
        "bytes": ("torch.storage._load_from_bytes", call(name("torch.storage", "_load_from_bytes"), "x").code),
        "v3": ("torch._utils._rebuild_tensor_v3", name("torch._utils", "_rebuild_tensor_v3").code),
        "dotted": ("torch.os.system", call(name("torch", "os.system"), f"touch {proof}").code),
        "escapes": (r"os\.\\x1b\[31msystem", name("os", "\x1b[31msystem").code),
    }


@pytest.mark.parametrize("case", hostile("x"))
def test_code_is_refused_by_name_and_does_not_run(save, tmp_path, case):
    proof = tmp_path / "proof"
    reason, payload = hostile(proof)[case]
    refused(save(Raw(payload)), reason)
    refused(save({"a": tensor(save.of(), 0, (4,), (1,)), "b": Raw(payload)}), reason)
    assert not proof.exists()


def test_the_payload_would_run_elsewhere(tmp_path):
    """Shows that the payloads above work in a common unpickler."""
    proof = tmp_path / "proof"
    pickle.loads(b"\x80\x02" + hostile(proof)["REDUCE"][1] + b".")
    assert proof.exists()


def test_a_pickled_object_is_refused_by_name(tmp_path):
    class Payload:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'proof'}",)

    for protocol in range(6):
        (tmp_path / "x.pth").write_bytes(pickle.dumps(Payload(), protocol))
        refused(tmp_path / "x.pth", "contains (posix|nt).system, which is not a tensor, container or number")
    assert not (tmp_path / "proof").exists()


MISUSES = {
    "calls a tensor": (Raw(tensor(storage("Float", "0", 4), 0, (4,), (1,)).code + b")R"), "calls something other"),
    "calls a string": (Raw(writer.encode("os.system") + b")R"), "calls something other"),
    "calls a storage": (call(name("torch", "FloatStorage"), 1 << 40), "calls something other"),
    "fills an OrderedDict by calling": (call(name("collections", "OrderedDict"), [("a", 1)]), "other arguments"),
    "builds a tensor with the wrong name": (
        call(name("collections", "OrderedDict"), storage("Float", "0", 4), 0, (4,), (1,)),
        "other arguments",
    ),
    "negates on reading": (tensor(storage("Float", "0", 4), 0, (4,), (1,), {"neg": True}), "other arguments"),
    "attributes on a name": (Raw(name("collections", "OrderedDict").code + b"}b"), "instruction BUILD"),
    "attributes on a plain dict": (Raw(b"}}b"), "instruction BUILD"),
    "attributes that are not a dict": (Raw(call(name("collections", "OrderedDict")).code + b"(}}tb"), "BUILD"),
    "a number as text": (Raw(b"I7\n"), "instruction INT"),
    "NEWOBJ": (Raw(name("collections", "OrderedDict").code + b")\x81"), "instruction NEWOBJ"),
    "EXT1": (Raw(b"\x82\x01"), r"instruction EXT1 \(1\)"),
    "EXT2": (Raw(b"\x83\x01\x00"), "instruction EXT2"),
    "EXT4": (Raw(b"\x84\x01\x00\x00\x00"), "instruction EXT4"),
    "PERSID": (Raw(b"Pstorage\n"), "instruction PERSID"),
    "a module's id": (persistent("module", name("torch", "FloatStorage"), "a", "b"), "not a storage"),
    "an id that is a string": (Raw(writer.encode("storage") + b"Q"), "not a storage"),
    "an id of another length": (persistent("storage", name("torch", "FloatStorage"), "0"), "not a storage"),
    "an id of no storage class": (
        persistent("storage", name("collections", "OrderedDict"), "0", "", 4),
        "not a storage",
    ),
    "a negative storage": (storage("Float", "0", -4), "not a storage"),
    "a view beyond its storage": (storage("Float", "0", 4, ("v", 3, 2)), "not a storage"),
    "one storage of two types": ([storage("Float", "0", 4), storage("Int", "0", 4)], "in two ways"),
    "a tuple as key": (Raw(b"}" + b")" + b"\x85" * 300000 + b"Ns"), "instruction SETITEM"),
    "items on a list": (Raw(b"](NNu"), "instruction SETITEMS"),
    "half an item": (Raw(b"}(K\x01u"), "damaged"),
    "appends to a dict": (Raw(b"}Na"), "instruction APPEND"),
    "an empty stack": (Raw(b"0"), "POP"),
    "a memo that has no such place": (Raw(b"h\x07"), "damaged"),
    "more than was put": (Raw(b"\x87"), "damaged"),
    "two results": (Raw(b"NN"), "instruction STOP"),
}


@pytest.mark.parametrize("case", MISUSES)
def test_instructions_that_no_state_dict_needs_are_refused(save, case):
    tree, reason = MISUSES[case]
    refused(save(tree), reason)


def test_a_far_place_in_the_memo_takes_no_memory(save):
    code = tensor(save.of(), 0, (4,), (1,)).code
    path = save({"a": Raw(code + b"r\xff\xff\xff\xff")})  # Python's own unpickler would allocate 64 GB
    assert_same(read_state_dict(path), {"a": np.arange(4, dtype=np.float32)})


# What would read beyond the file or use too much memory


@pytest.mark.parametrize(
    "offset, size, strides",
    [
        (0, (5,), (1,)),
        (4, (), ()),
        (1, (4,), (1,)),
        (0, (2, 2), (3, 1)),
        (-1, (1,), (1,)),
        (0, (-1,), (1,)),
        (3, (2,), (-1,)),
        (0, (1 << 62,), (0,)),
        (0, (4,), (1, 1)),
        (0, (1,) * 33, (1,) * 33),
        (True, (1,), (1,)),
        (0, (2.0,), (1,)),
        (1 << 200, (0,), (1,)),
    ],
)
def test_tensors_beyond_their_storage_are_refused(save, offset, size, strides):
    refused(save({"a": tensor(save.of(), offset, size, strides)}), "beyond its storage '0'")


@pytest.mark.parametrize("size, strides", [((1 << 20, 1 << 20), (0, 0)), ((0, 1 << 40), (1, 1)), ((1 << 12,), (0,))])
def test_tensors_far_larger_than_the_file_are_refused(save, size, strides):
    refused(save({"a": tensor(save.of(), 0, size, strides)}), "which its size does not explain")


@pytest.mark.parametrize("length", [0, 12, 15, 17, 20])
def test_storages_of_another_length_than_stated_are_refused(save, length):
    refused(save({"a": tensor(save.of(), 0, (4,), (1,))}, {"0": (4, bytes(length))}), r"expected|has \d+ bytes")


def test_a_legacy_file_must_state_each_length_once(tmp_path):
    tree = {"a": tensor(storage("Float", "0", 4, None), 0, (4,), (1,))}
    for total in (3, 5, -1, 1 << 60):
        (tmp_path / "x.pth").write_bytes(writer.legacy(tree, {"0": (total, bytes(16))}))
        refused(tmp_path / "x.pth", "two lengths")
    for keys in ({}, {"1": FOUR["0"]}, FOUR | {"1": FOUR["0"]}):
        (tmp_path / "x.pth").write_bytes(writer.legacy(tree, keys))
        refused(tmp_path / "x.pth", "does not list the storages")


def test_big_endian_files_are_refused(tmp_path):
    for content in (writer.legacy({}, {}, little=False), writer.zipped({}, {}, byteorder="big")):
        (tmp_path / "x.pth").write_bytes(content)
        refused(tmp_path / "x.pth", "little-endian")


def test_compressed_archives_are_refused(tmp_path):
    tree = {"a": tensor(storage("Float", "0", 1 << 20), 0, (1 << 20,), (1,))}
    bomb = writer.zipped(tree, {"0": (1 << 20, bytes(4 << 20))}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10000
    (tmp_path / "x.pth").write_bytes(bomb)
    refused(tmp_path / "x.pth", "compressed")


def test_members_that_overlap_are_refused(tmp_path):
    content = writer.zipped({}, {str(key): (4, bytes(400)) for key in range(9)})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        first = next(info.header_offset for info in archive.infolist() if info.filename.endswith("data/0"))
    entries = content.index(b"PK\x01\x02")
    head, directory = content[:entries], bytearray(content[entries:])
    for match in re.finditer(b"PK\x01\x02", bytes(directory)):
        directory[match.start() + 20 : match.start() + 28] = struct.pack("<II", 4000, 4000)  # both sizes
        directory[match.start() + 42 : match.start() + 46] = struct.pack("<I", first)
    (tmp_path / "x.pth").write_bytes(head + directory)
    refused(tmp_path / "x.pth", "overlapping")


def test_large_files_and_long_pickles_are_refused(save, monkeypatch):
    path = save({"a": tensor(save.of(), 0, (4,), (1,))})
    monkeypatch.setattr(torch_file, "MAX_PICKLE_BYTES", 100)
    refused(path, "truncated")
    monkeypatch.setattr(torch_file, "MAX_FILE_BYTES", 100)
    refused(path, "is larger than 100 bytes")


@pytest.mark.parametrize("opening, closing", [(b"]" * 99999, b"a" * 99998), (b")" + b"\x85" * 99999, b"")])
def test_deep_nesting_is_refused_with_one_error(save, opening, closing):
    refused(save(Raw(opening + closing), {}), "holds one (list|tuple)")
    refused(save({"a": Raw(opening + closing)}, {}), "'a' -> (list|tuple)")


# Objects that are not a state dict


def test_the_error_says_what_the_file_holds(save):
    one = tensor(save.of(), 0, (4,), (1,))
    refused(save([one]), "holds one list, not a dict of tensors")
    refused(save(one), "holds one tensor")
    refused(save({3: one}), "3 -> tensor, not only str")
    refused(save({"a": one, "epoch": 3}), "'epoch' -> int, not only str -> tensor")
    refused(save({"a": save.of()}), "'a' -> storage")
    refused(save({"epoch": 3, "state_dict": {"a": one}}), "the tensors are under 'state_dict'")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x80", b"\x80\x02N.", bytes(1000), b"\x89HDF\r\n"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    refused(tmp_path / "x.pth", "not a PyTorch checkpoint")


def test_other_archives_are_refused(tmp_path):
    for members in ([], ["config.json", "model.weights.h5"], ["a/data.pkl", "b/data.pkl"], ["data.pkl"]):
        with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
            for member in members:
                archive.writestr(member, "{}")
        refused(tmp_path / "x.pth", "not a PyTorch checkpoint")


def test_damaged_files_give_a_result_or_a_value_error(save, tmp_path):
    sound = save(*writer.parts(ARRAYS, save.view)).read_bytes()
    random, path, outcomes = np.random.default_rng(0), tmp_path / "x.pth", []
    for _ in range(500):
        content = bytearray(sound)
        for _ in range(random.integers(1, 4)):
            content[random.integers(len(content))] = random.integers(256)
        if random.random() < 0.3:
            del content[random.integers(len(content)) :]
        path.write_bytes(content)
        try:
            outcomes.append(type(read_state_dict(path)))
        except ValueError as error:
            assert str(path) in str(error)
            outcomes.append(ValueError)
    assert outcomes.count(ValueError) > 100
