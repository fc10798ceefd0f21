"""Masks secrets in text that leaves this program: log lines, errors, output, records for analysts.

Recognised are passwords in addresses, parameters of addresses that look like keys, Authorization
headers, and the values of secret options, which `remember` adds.
"""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, unquote

MASK = "***"
#: Shorter values of secret options are not looked for: they would hide ordinary words.
MIN_CHARACTERS = 8
#: Each costs time for each line; of more, only what the patterns recognise is masked.
MAX_REMEMBERED = 5_000
#: Bounds the search for the end of a password, so that hostile text costs linear time.
_REACH = 300

#: Names of options, headers and parameters, without hyphens and underscores.
_SECRET_NAME = re.compile(
    r"key$|apikey|accesskey|secret|passw|passphrase|passwd|token|signature|credential|cookie"
    r"|auth(?!or)|sess(?:ion)?(?:id|key)?$|^(?:sig|sid|pwd|pass|jwt|hmac)$"
)
#: `user:password@` after `//`. Everything up to the last `@` counts where what follows the colon
#: is no port: passwords with `@`, `/`, `?` and `#` are common, though they are not valid there.
_LOGIN = re.compile(
    r"(//|\\/\\/)(?:"
    rf'[^\s"/?#@:\[]{{0,{_REACH}}}:(?!\d{{1,5}}(?:[/?#",\s]|$))[^\s"]{{0,{_REACH}}}'
    rf'|(?:[^\s"\\/?#]|\\.){{0,{_REACH}}}'
    r")@"
)
_ENCODED_LOGIN = re.compile(rf'(%2F%2F)(?:(?!%2F|%3F|%23)[^\s"&/]){{0,{_REACH}}}%40', re.I)
#: The same without a scheme, as clients write servers; addresses of mail are left.
_PLACE_LOGIN = re.compile(
    rf"(?<![\w./@-])(?!mailto:)[\w.+-]{{1,64}}:[^\s\"'/@,]{{1,{_REACH}}}@(?=[\w\[])"
)
_PARAMETER = re.compile(r"([?&;#])([^\s=?&;#\"'<>/]{1,100})=([^\s&;#\"<>\\]+)")
_ENCODED_PARAMETER = re.compile(
    rf"(%3F|%26|%3B|%23)([\w.-]{{1,100}})%3D((?:(?!%26|%3B|%23)[^\s&;#\"<>\\]){{1,{_REACH}}})", re.I
)
_HEADER = re.compile(
    r"(authorization[\"']?\s*[:=]\s*[\"']?)(?:(?:basic|bearer|digest|apikey)\s+)?[\w+/=.~%:-]+",
    re.I,
)

#: A text in JSON, and before it the key of a header that holds a secret.
_JSON_TEXT = re.compile(r'("[^"\\]*authorization"\s*:\s*)?("[^"\\]*(?:\\.[^"\\]*)*")', re.I)

#: Keys of addresses without a digit are often ordinary words.
_DIGIT = re.compile(r"\d")

_remembered: dict[str, None] = {}


def is_secret_name(name: str) -> bool:
    """Return whether an option, a header or a parameter of this name holds a secret."""
    plain = unquote(name).lower().replace("_", "").replace("-", "")
    return _SECRET_NAME.search(plain) is not None


def remember(value: str) -> None:
    """Mask this value from now on, wherever it stands, also as it is written in URLs and JSON."""
    if len(value) < MIN_CHARACTERS or len(_remembered) > MAX_REMEMBERED:
        return
    packed = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()
    written = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    for form in (value, quote(value, safe="", errors="replace"), packed, *written):
        _remembered[form] = None


def remember_address(url: str) -> None:
    """Mask the login and the keys of this address, which a server may repeat in its answers."""
    login = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    keys = [one[3] for one in _PARAMETER.finditer(url) if is_secret_name(one[2])]
    for value in (login, login.partition(":")[2], *filter(_DIGIT.search, keys)):
        remember(unquote(value))


def masked(text: str) -> str:
    """Return the text with `***` in place of each secret that it shows."""
    for secret in tuple(_remembered):  # a copy: another thread may read feeds
        if secret in text:
            text = text.replace(secret, MASK)
    if "@" in text or "%40" in text:
        text = _LOGIN.sub(rf"\1{MASK}@", text)
        text = _ENCODED_LOGIN.sub(rf"\1{MASK}%40", text)
        text = _PLACE_LOGIN.sub(f"{MASK}@", text)
    if "=" in text:
        text = _PARAMETER.sub(_parameter, text)
    if "%3" in text:
        text = _ENCODED_PARAMETER.sub(_parameter, text)
    if "uthorization" in text or "UTHORIZATION" in text:
        text = _HEADER.sub(rf"\1{MASK}", text)
    return text


def masked_json(text: str) -> str:
    """Return JSON with its texts masked; it stays valid, and numbers stay as they are."""
    if "\\" not in text and masked(text) == text:
        return text  # mostly; text with escapes is looked at unescaped
    return _JSON_TEXT.sub(_json_text, text)


def _json_text(found: re.Match[str]) -> str:
    value = json.loads(found[2], strict=False)
    kept = MASK if found[1] else masked(value)
    return found[0] if kept == value else (found[1] or "") + json.dumps(kept)


def _parameter(found: re.Match[str]) -> str:
    whole, value = found[0], found[3]
    return whole[: len(whole) - len(value)] + MASK if is_secret_name(found[2]) else whole
