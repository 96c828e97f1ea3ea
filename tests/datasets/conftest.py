"""The raw folders of the published datasets and their manifests, created once per run. Tests do not change them."""

from functools import cache

import pytest

from keras_musictag.datasets import msd, mtat, mtg_jamendo
from tests.datasets import official_jamendo, official_msd, official_mtat


@pytest.fixture
def table(tmp_path):
    """Writes a table and returns its path."""

    def write(content, name="tracks.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture(scope="session")
def mtat_raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mtat")
    official_mtat.write(folder)
    return folder


@pytest.fixture(scope="session")
def msd_full_raw(tmp_path_factory):
    return official_msd.write_full(tmp_path_factory.mktemp("msd_full"))


@pytest.fixture(scope="session")
def msd_filtered_raw(tmp_path_factory):
    return official_msd.write_filtered(tmp_path_factory.mktemp("msd_filtered"))


@pytest.fixture(scope="session")
def jamendo_raw(tmp_path_factory):
    return official_jamendo.write_top50(tmp_path_factory.mktemp("jamendo"))


@pytest.fixture(scope="session")
def cleaned(mtat_raw):
    return mtat.manifest(mtat_raw)


@pytest.fixture(scope="session")
def uncleaned(mtat_raw):
    return mtat.manifest(mtat_raw, "uncleaned")


@pytest.fixture(scope="session")
def full(msd_full_raw):
    return msd.manifest(msd_full_raw, "full")


@pytest.fixture(scope="session")
def jamendo(jamendo_raw):
    """A function of the split."""
    return cache(lambda split: mtg_jamendo.manifest(jamendo_raw, split))
