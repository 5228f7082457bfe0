"""A file appears whole or not at all, and whatever stood there stays until then."""

import pytest

from lib_facerestore.whole_file import drop_unfinished, sync, whole_file


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(target, text, meanwhile=lambda: None, replaces=True):
    """Writes the target; meanwhile: called when the bytes are there and the name is not yet given."""
    with whole_file(target, replaces) as temporary:
        temporary.write_text(text)
        sync(temporary)
        meanwhile()


def no_links(*_):
    raise OSError("no hard links here")


def full_disk():
    raise OSError("disk is full")


def test_the_target_is_the_old_one_until_the_body_ends(tmp_path):
    target, seen = tmp_path / "table.json", []
    target.write_text("old")

    write(target, "new", lambda: seen.append(target.read_text()))

    assert (seen, target.read_text()) == (["old"], "new")
    assert names(tmp_path) == ["table.json"]


def test_a_body_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    target = tmp_path / "table.json"
    target.write_text("old")

    with pytest.raises(OSError, match="disk is full"):
        write(target, "ne", full_disk)

    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.json"]


@pytest.mark.parametrize("has_links", [True, False])
def test_what_came_meanwhile_is_not_replaced_unless_that_is_asked_for(tmp_path, monkeypatch, has_links):
    target = tmp_path / "result.png"
    if not has_links:
        monkeypatch.setattr("os.link", no_links)

    with pytest.raises(FileExistsError):
        write(target, "ours", lambda: target.write_text("theirs"), replaces=False)

    assert target.read_text() == "theirs"
    assert names(tmp_path) == ["result.png"]


def test_a_sudden_end_can_drop_what_is_being_written(tmp_path):
    left = []

    def end():
        drop_unfinished()
        left.append(names(tmp_path))

    with pytest.raises(FileNotFoundError):
        write(tmp_path / "result.png", "half", end)

    assert left == [[]]
    assert names(tmp_path) == []
