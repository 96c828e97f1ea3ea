"""Whether file permissions bind this process: not root's, unless it gave up the right to pass over them."""

import os
import tempfile

import pytest


def bind() -> bool:
    """Tries it, on a file that nobody may read."""
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return not os.access(file.name, os.R_OK)


needs_permissions = pytest.mark.skipif(not bind(), reason="root may pass over file permissions")
