"""What the tests of GM-Tag share: MMA, FluidSynth and the soundfonts themselves (scripts/debian_packages.txt)."""

import pytest

from keras_musictag.errors import MusicTagError
from keras_musictag.gmtag.compose import compose
from keras_musictag.gmtag.packages import Installation


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Skips where the Debian packages are not installed; CI installs them, and fails on this skip."""
    installation = Installation()
    try:
        installation.require()
    except MusicTagError as error:
        pytest.skip(str(error))
    return installation


@pytest.fixture(scope="session")
def piece(installation):
    """A clip's music, from the part whose soundfonts may be the quick one to load."""
    return compose("test", 0, installation)
