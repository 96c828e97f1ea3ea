"""TensorFlow Serving's JSON: requests of both forms, and numbers that read back as the same float."""

import json

import numpy as np
import pytest

from keras_musictag.web.serving_json import RequestError, read_request, to_bytes, to_numbers, value_of, write_answer

EXPECTED = "`waveform` must have shape (batch, 2)."


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ({"instances": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]]),
        ({"instances": [{"waveform": [1, 2]}, {"waveform": [3, 4]}]}, [[1, 2], [3, 4]]),
        ({"instances": [{"waveform": [1, 2]}, [3, 4]]}, [[1, 2], [3, 4]]),
        ({"inputs": [[1, 2]]}, [[1, 2]]),
        ({"inputs": {"waveform": [[1, 2]]}}, [[1, 2]]),
        ({"instances": [{"b64": "AA=="}]}, [{"b64": "AA=="}]),
        ({"inputs": {"b64": "AA=="}}, {"b64": "AA=="}),
    ],
)
def test_rows_and_columns_give_the_value_of_the_input(body, value):
    asked = read_request(json.dumps(body).encode())
    assert asked.by_row == ("instances" in body)
    assert value_of(asked, "waveform") == value


@pytest.mark.parametrize("name", [{}, {"signature_name": ""}, {"signature_name": "serving_default"}])
def test_the_default_signature_needs_no_name(name):
    assert read_request(json.dumps({**name, "inputs": 1}).encode()).signature == "serving_default"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: EOF"),
        (b"{", "JSON Parse error"),
        (b"\xff", "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error: recursion"),
        (b"[]", "must be a JSON object"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        (b'{"inputs": 1, "instances": [1]}', "only one of"),
        (b'{"instances": []}', "at least one value"),
        (b'{"instances": 3}', "at least one value"),
        (b'{"signature_name": 3, "inputs": 1}', "must be a string"),
    ],
)
def test_what_is_not_a_request_is_refused_with_a_reason(body, message):
    with pytest.raises(RequestError, match=message):
        read_request(body)


@pytest.mark.parametrize("row", [{"other": [1]}, {"waveform": [1], "other": 1}, {}])
def test_an_input_of_another_name_is_refused(row):
    for body in ({"instances": [row]}, {"inputs": row}):
        with pytest.raises(RequestError, match="The input is named 'waveform'"):
            value_of(read_request(json.dumps(body).encode()), "waveform")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 2], [3]], "different lengths"),
        ([[1, 2, 3]], r"Received: \[1, 3\]"),
        ([1, 2], r"Received: \[2\]"),
        (1.5, r"Received: \[\]"),
        ([[[1, 2]]], r"Received: \[1, 1, 2\]"),
        ([["1", "2"]], "takes numbers"),
        ([[1, None]], "takes numbers"),
        ([[True, False]], "takes numbers"),
        ([{"b64": "AA=="}], "not text, true, null or base64"),
        ([[10**30, 1]], "takes numbers"),
        (None, "takes numbers"),
    ],
)
def test_values_of_another_shape_or_type_are_refused(value, message):
    with pytest.raises(RequestError, match=message):
        to_numbers(value, "waveform", EXPECTED, rank=2, columns=2)


def test_a_number_too_large_for_float32_is_infinite():
    assert to_numbers([[1e39, 0.5]], "waveform", EXPECTED, rank=2).tolist() == [[np.inf, 0.5]]


@pytest.mark.parametrize("value", [{"b64": "A"}, {"b64": "é"}, {"b64": 3}, "AA==", {"b64": "AA==", "more": 1}, None])
def test_bytes_must_be_base64(value):
    with pytest.raises(RequestError, match="base64"):
        to_bytes(value, "wav_bytes")


# as TensorFlow Serving writes them
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (0.2, "0.2"),
        (1, "1.0"),
        (1 / 3, "0.333333343"),
        (9000000, "9e+06"),
        (3e-05, "3e-05"),
        (np.nan, "NaN"),
        (-np.inf, "-Infinity"),
    ],
)
def test_numbers_are_written_as_tensorflow_serving_does(value, text):
    assert write_answer({"scores": np.array([value], np.float32)}, by_row=False) == f'{{"outputs": [{text}]}}'


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_read_back_as_the_same(dtype):
    scores = np.random.default_rng(0).uniform(size=(4, 5)).astype(dtype)
    answer = json.loads(write_answer({"scores": scores}, by_row=True))["predictions"]
    np.testing.assert_array_equal(np.array(answer, dtype), scores)


def test_several_outputs_are_objects_by_row_and_lists_by_column():
    outputs = {"scores": np.ones((2, 1), np.float32), "tags": ["a", 'b"'], "indices": [0, 1]}
    rows = [{"scores": [1.0], "tags": "a", "indices": 0}, {"scores": [1.0], "tags": 'b"', "indices": 1}]
    assert json.loads(write_answer(outputs, by_row=True)) == {"predictions": rows}
    columns = {"scores": [[1.0], [1.0]], "tags": ["a", 'b"'], "indices": [0, 1]}
    assert json.loads(write_answer(outputs, by_row=False)) == {"outputs": columns}
