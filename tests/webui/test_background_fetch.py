"""What is told of a fetching that ends just while it is asked: its last word, never an earlier one. Needs no host."""

from __future__ import annotations

from lib_facerestore.webui.background_fetch import Fetching

LAST_WORD = "Test model: test-model.pth"


class EndsWhenAskedAbout(Fetching):
    """Writes its last line and ends just when somebody asks whether it runs."""

    def is_alive(self):
        self.lines.append(LAST_WORD)
        self.bytes = (5, 5)
        return False


def test_what_is_said_not_to_run_has_its_last_word():
    ending = EndsWhenAskedAbout(("Test model",))

    assert ending.so_far() == (False, [LAST_WORD], (5, 5))
