"""Which addresses a download may open, as environment variables and the caller say. Opens nothing itself."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

# The hosts of the catalogue's addresses, and those to which these redirect a download.
CATALOGUE_HOSTS = frozenset(
    {
        "github.com",
        "objects.githubusercontent.com",
        "release-assets.githubusercontent.com",
        "huggingface.co",
        "cdn-lfs.huggingface.co",
        "cdn-lfs.hf.co",
        "cas-bridge.xethub.hf.co",
    }
)


@dataclass(frozen=True)
class FetchPolicy:
    """What fetching may do."""

    allowed: bool
    """Whether anything is downloaded; if not, no socket is opened."""
    base_urls: tuple[str, ...] = ()
    """Addresses tried before the catalogue's, as base + "/" + file name. Their hosts are trusted, plain http included,
    because a person named them."""
    any_host: bool = False
    """Whether plain http and redirects to any host are allowed; a file's hash is compared all the same."""
    timeout_s: float = 30.0
    """The longest silence on a connection, in seconds."""
    attempts: int = 4
    """How often one address may fail in a row before the next one is tried."""
    backoff_s: float = 1.0
    """The pause after the first failure, in seconds; it is doubled after each further one."""

    @classmethod
    def from_environment(cls, allowed: bool = True) -> FetchPolicy:
        """The policy that the variables FACERESTORE_OFFLINE, FACERESTORE_MIRROR and FACERESTORE_ANY_HOST describe.

        Any text but a no (0, no, off, false) in FACERESTORE_OFFLINE forbids downloads. Any text but a yes (1, yes, on,
        true) in FACERESTORE_ANY_HOST is ignored. allowed: False forbids downloads whatever the variables say.
        """
        is_offline = os.environ.get("FACERESTORE_OFFLINE", "").strip().lower() not in {"", "0", "no", "off", "false"}
        bases = re.split(r"[\s,]+", os.environ.get("FACERESTORE_MIRROR", ""))
        any_host = os.environ.get("FACERESTORE_ANY_HOST", "").strip().lower() in {"1", "yes", "on", "true"}
        return cls(allowed and not is_offline, tuple(base for base in bases if base), any_host)

    def refusal(self, url: str) -> str | None:
        """The reason why a URL may not be opened; None where it may."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return f"{parts.scheme}://{parts.hostname or ''} is no http or https address"
        if self.any_host or parts.hostname in map(host_of, self.base_urls):
            return None
        if parts.scheme != "https":
            return f"{parts.hostname} would be asked without https"
        if parts.hostname not in CATALOGUE_HOSTS:
            return f"{parts.hostname} is no host of the catalogue (FACERESTORE_ANY_HOST=1 allows any)"
        return None


def host_of(url: str) -> str:
    """The host of an address, for a sentence: without the user name and password that a mirror's address may have."""
    try:
        return urlsplit(url).hostname or "the address"
    except ValueError:
        return "the address"
