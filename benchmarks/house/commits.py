"""A commit's files beside the working tree, for as long as they are looked at."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def git(folder: Path, *words: str) -> str:
    """What git says in that folder, without the last line's end.

    Raises: subprocess.CalledProcessError; git has written why to standard error.
    """
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@contextmanager
def checked_out(repository: Path, commit: str) -> Iterator[Path]:
    """The folder of a temporary worktree with the files of that commit; it is removed afterwards, whatever happens.

    Raises: subprocess.CalledProcessError for a commit that the repository does not know.
    """
    with tempfile.TemporaryDirectory(prefix="facerestore-commit-") as folder:
        worktree = Path(folder).resolve() / "tree"
        git(repository, "worktree", "add", "--quiet", "--detach", str(worktree), commit)
        try:
            yield worktree
        finally:
            git(repository, "worktree", "remove", "--force", str(worktree))
