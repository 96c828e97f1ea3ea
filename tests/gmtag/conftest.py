"""What the tests of GM-Tag share: MMA, FluidSynth and the soundfonts themselves (scripts/debian_packages.txt)."""

import pytest

from keras_musictag.gmtag import Installation
from keras_musictag.gmtag.arrangement import compose


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Where the Debian packages put what they have. A test that plays it says so: `needs("mma")`, for instance."""
    return Installation()


@pytest.fixture(scope="session")
def piece(installation):
    """A clip's music, from the part whose soundfonts may be the quick one to load."""
    return compose("test", 0, installation)
