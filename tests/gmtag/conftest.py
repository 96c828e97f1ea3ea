"""What the tests of GM-Tag share: the real MMA, FluidSynth and soundfonts (scripts/debian_packages.txt)."""

import pytest

from keras_musictag.gmtag import Installation
from keras_musictag.gmtag.arrangement import compose


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Where the Debian packages install their files. A test that uses them says so, for example with `needs("mma")`."""
    return Installation()


@pytest.fixture(scope="session")
def piece(installation):
    """The music of a clip, from the part whose soundfonts include the one that loads quickly."""
    return compose("test", 0, installation)
