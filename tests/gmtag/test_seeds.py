import hashlib

from keras_musictag.gmtag.plan import VERSION, number


def test_a_number_is_the_start_of_sha256_of_version_part_and_index():
    assert number("train", 12) == int(hashlib.sha256(f"{VERSION}/train/12".encode()).hexdigest()[:16], 16)


def test_numbers_of_all_clips_differ():
    assert len({number(part, index) for part in ("train", "valid", "test") for index in range(1000)}) == 3000
