"""Who may use the API, as the host was told when it was started."""

from __future__ import annotations

from pathlib import Path

from lib_facerestore.hosts.base import flag

# SD.Next protects its API with the credentials of its page, which no other host has under these names: A1111 and its
# kin call those gradio_auth, and leave their API open to everybody who has none of --api-auth.
_OF_PAGE, _FILE_OF_PAGE = "auth", "auth_file"


def are_wanted() -> bool:
    """Whether the host's API lets in those only who are named."""
    return any(flag(name, "") for name in ("api_auth", _OF_PAGE, _FILE_OF_PAGE))


def pairs() -> list[str]:
    """Those who are let in, each "user:password"; none where the host was told of nobody in a form that it reads.

    Raises: OSError for a file that cannot be read, at which the host does not start either.
    """
    of_api = str(flag("api_auth", ""))
    if of_api:
        return [pair.strip() for pair in of_api.split(",") if ":" in pair]
    named = str(flag(_OF_PAGE, "")).split(",")
    file = flag(_FILE_OF_PAGE, "")
    if file:
        named += Path(file).read_text(encoding="utf-8").splitlines()
    return [_without_quotes(pair) for pair in named if ":" in pair]


def _without_quotes(pair: str) -> str:
    """As SD.Next reads it."""
    user, _, password = pair.replace('"', "").partition(":")
    return f"{user.strip()}:{password.strip()}"
