"""What a secret looks like, by its name or by itself."""

from __future__ import annotations

import re

__all__ = ["is_secret"]

# The last word says that the value is secret: DB_PASSWORD, API_KEY; not MAX_TOKENS, SORT_KEY or TOKEN_URL.
_NAME = re.compile(
    r"(?:.*[_.-])?(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|API[_-]?KEY|ACCESS[_-]?KEY|PRIVATE[_-]?KEY)",
    re.IGNORECASE,
)
# Values that are secret whatever their name: PEM private keys, URLs with a password, well-known token prefixes.
_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bsk-[A-Za-z0-9_-]{20}|\bhf_[A-Za-z0-9]{30}|\bxox[abp]-[0-9A-Za-z-]{10}"
)
# Values that are none whatever their name: where a secret is (GOOGLE_APPLICATION_CREDENTIALS), another variable, and
# what is said about one (ALLOW_EMPTY_PASSWORD).
_HARMLESS = re.compile(r"(?:/[\w.@-]+)+/?|\$\([A-Za-z_][\w.-]*\)|true|false|yes|no|on|off|0|1", re.IGNORECASE)


def is_secret(name: object, value: object) -> bool:
    """Tell whether a value that stands under this name is one that nobody should read."""
    if value in (None, ""):
        return False
    if _VALUE.search(str(value)):
        return True
    return bool(_NAME.fullmatch(str(name))) and not _HARMLESS.fullmatch(str(value).strip())
