"""The host for the tests of restored generations: they say the same of each."""

import pytest

from helpers.running_host import MOSTLY_FORGE


@pytest.fixture(scope="session", params=MOSTLY_FORGE)
def host(request, kept_running):
    """The running host with our extension whose page generates the portrait."""
    return kept_running(request.param)
