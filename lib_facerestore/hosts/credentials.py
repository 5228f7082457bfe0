"""The user names and passwords with which the host's API may be called, from the host's command line."""

from __future__ import annotations

from pathlib import Path

from lib_facerestore.hosts.base import flag

# SD.Next's flags for the users of its page, who are the users of its API too. A1111 and its kin have other flags for
# their page (--gradio-auth), which do not protect their API; only --api-auth does.
_OF_PAGE, _FILE_OF_PAGE = "auth", "auth_file"


def are_wanted() -> bool:
    """Whether the host was started with flags that limit its API to named users."""
    return any(flag(name, "") for name in ("api_auth", _OF_PAGE, _FILE_OF_PAGE))


def pairs() -> list[str]:
    """The users who may call the API, each as "user:password".

    The list is empty where no flag names a user, and where no name has the form that the host reads.
    Raises: OSError where the file of --auth-file cannot be read; the host itself does not start then.
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
    """A pair without quotation marks and outer spaces, as SD.Next reads it."""
    user, _, password = pair.replace('"', "").partition(":")
    return f"{user.strip()}:{password.strip()}"
