"""Secrets out of text: the last door before anything is logged, journalled or shown.

It works on patterns and errs on the side of hiding. Whoever knows that a value is secret does not print it at all;
this is for what slips through in foreign texts, such as a gateway's log lines and exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from baileykeep.rules.masking import mask_phone

HIDDEN = "[hidden]"
_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_KEY_WORDS = (
    r"priv(?:ate)?_?key|pub(?:lic)?_?key|root_?key|chain_?key|base_?key|message_?keys?|noise_?key|identity_?key"
    r"|remote_?identity_?key|indexInfo|last_?remote_?ephemeral_?key|ephemeral_?key_?pair|adv_?secret_?key"
    r"|signed_?pre_?key|signature|mac_?key|enc_?key|key_?data|account_?signature_?key|routing_?info|private|rootKey"
)
_NAMES_OF_VALUES = (
    r"authorization|x-api-key|api[-_]?key|apikey|x-internal-secret|internal[-_]?secret|client[-_]?secret|bot[-_]?token"
    r"|access[-_]?token|refresh[-_]?token|token|secret|passw(?:or)?d|passphrase|cookie|pairing[-_ ]?code|qr[-_ ]?code"
)
_BUFFER = re.compile(r"<(?:Buffer|Uint8Array|SlowBuffer)\b[^>]*>?")
_JSON_BUFFER = re.compile(
    r"""(\\*["']type\\*["']\s*:\s*\\*["']Buffer\\*["']\s*,\s*\\*["']data\\*["']\s*:\s*)"""
    r"""(\\*"[^"]*"?|\\*'[^']*'?|\[[^\]]*\]?)"""
)
_BYTE_LIST = re.compile(r"\[\s*(?:\d{1,3}\s*,\s*){15,}\d{1,3}\s*,?\s*\]?")
_ESCAPES = re.compile(r"\\+x[0-9a-fA-F]{2}(?:[ -\[\]-~]{0,4}\\+x[0-9a-fA-F]{2}){7,}")
_HEX_BYTES = re.compile(r"\b(?:[0-9a-fA-F]{2}[ :]){15,}[0-9a-fA-F]{2}\b")
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.S)
_QR_URL = re.compile(r"https?://wa\.me/settings/linked_devices[^\s\"'<>]*", re.I)
_QR = re.compile(r"(?<![\w.+-])2@[A-Za-z0-9+/=,_-]{8,}")
_TELEGRAM = re.compile(r"(?<!\d)\d{6,}:[\w-]{30,}")
_USERINFO = re.compile(r"(://)[^/\s:@]*:[^/\s@]+@")
_SCHEME = re.compile(r"\b(bearer|basic|digest)\s+(?!token\b|auth)[\w.~+/=-]{4,}", re.I)
_NAMED = re.compile(
    rf"""(?<![A-Za-z])((?:{_NAMES_OF_VALUES}|{_KEY_WORDS})\\*["']?\s*(?:[:=]|=>)\s*)"""
    r"""(?!\[hidden\]|None\b|null\b|undefined\b|True\b|False\b|true\b|false\b|[{\[]|<)(\\*"[^"]*"?|\\*'[^']*'?|[^\s,;&}"')\]]+)""",
    re.I,
)
_SIGNED = re.compile(r"""(details\\*["']\s*[:=]\s*\\*["'])[A-Za-z0-9+/]{12,}={0,2}""")
_QUERY = re.compile(r"([?&](?:key|code|sig|auth|pass|hash)=)[^&\s\"']+", re.I)
_CODE = re.compile(r"(pairing[-_ ]?code\W{1,4}(?:is\W+)?)[A-Z0-9]{4}-?[A-Z0-9]{4}\b", re.I)
_LONG = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_JID = re.compile(
    r"(?<!\d)(\d{5,})((?:[_.]\d{1,3})?(?::\d{1,3})?"
    r"@(?:s\.whatsapp\.net|c\.us|lid|g\.us|hosted(?:\.lid)?|broadcast))"
)
_OLD_GROUP = re.compile(r"(?<!\d)(\d{8,})(-\d{8,12})(?=@g\.us|__|--)")
_ADDRESS = re.compile(r"(?<![\d.])(\d{8,})((?:_\d{1,2})?\.\d{1,2})(?![\d.]*\d)")
_FILE = re.compile(
    r"((?:session|sender-key|sender-key-memory|lid-mapping|device-list|tctoken|identity-key)-|--|__)(\d{8,})(?!\d)"
)
_PHONE_WORD = re.compile(
    r"(?<![A-Za-z])((?:phone|number|tel|mobile|whatsapp|jid|lid|pn|contact|participant|sender|recipient|msisdn)"
    r"[\w-]*\\*[\"']?\s*(?:[:=]|=>|is|of)?\s*\\*[\"']?)(\+?\d{8,20})(?![\d.]*\d)",
    re.I,
)
_PLUS = re.compile(r"(?:\+|%2B)(\d(?:[ ()/-]{0,2}\d){7,14})(?!\d)", re.I)
_BARE = re.compile(r"(?:(?<![A-Za-z0-9.])[A-Za-z]*|(?<=%[0-9A-Fa-f]{2}))(?<!\d)(\d{10,15})(?![A-Za-z0-9])")
_CHAT = re.compile(r"(?<=-)100\d{10}")
_EPOCH = re.compile(r"1[4-9]\d{8}")
_EPOCH_MS = re.compile(r"1[4-9]\d{11}")


def redact(text: str) -> str:
    """`text` without keys, tokens, QR contents and pairing codes; of phones the last 4 digits stay."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret whatever its value looks like."""
    return bool(_SECRET_NAME.fullmatch(name))


def is_phone_name(name: str) -> bool:
    """Whether a field of this name holds a phone number even when it is a bare number."""
    return bool(_PHONE_NAME.fullmatch(name))


def _long(match: re.Match[str]) -> str:
    """Keys mix kinds of letters all over; a path or a name is made of pieces that hardly do.

    Hides all base64 keys of 32 bytes but one in 100,000, all short hex keys behind a path but 3 in 1,000, and one in
    40 of the long paths of a Debian system, most of which hold a hash.
    """
    pieces = [_kinds(piece) for piece in re.split(r"[/_-]", match[0])]
    longest = max(map(len, pieces))
    every_kind = any(len(piece) >= 12 and len(set(piece)) == 3 for piece in pieces)
    return HIDDEN if longest >= 40 or every_kind or sum(map(_mixed, pieces)) >= 20 else match[0]


def _kinds(piece: str) -> str:
    return "".join("a" if c.islower() else "A" if c.isupper() else "0" for c in piece)


def _mixed(piece: str) -> int:
    """The length of a piece whose neighbours are often of two kinds, else 0."""
    changes = sum(one != other for one, other in pairwise(piece))
    return len(piece) if len(piece) >= 4 and changes >= 0.2 * (len(piece) - 1) else 0


def _mask(digits: str) -> str:
    return mask_phone(digits) or ""


def _bare(match: re.Match[str]) -> str:
    """Ten digits and more are a phone, unless they are seconds or milliseconds since 1970 or a Telegram group."""
    chat = _CHAT.match(match.string, match.start(1), match.end(1))
    time = _EPOCH.fullmatch(match[1]) or _EPOCH_MS.fullmatch(match[1])
    return match[0] if chat or time else match[0].removesuffix(match[1]) + _mask(match[1])


def _address(match: re.Match[str]) -> str:
    return match[0] if _EPOCH.fullmatch(match[1]) and "_" not in match[2] else _mask(match[1]) + match[2]


_SECRET_NAME = re.compile(rf"(?:[\w-]*[_-])?(?:{_NAMES_OF_VALUES}|{_KEY_WORDS}|qr|qr_text|creds)", re.I)
_PHONE_NAME = re.compile(r"(?:[\w-]*_)?(?:phone|phone_?number|msisdn|jid|lid|pn|contact|participant)", re.I)

_RULES: tuple[_Rule, ...] = (
    (_PEM, HIDDEN),
    (_BUFFER, "<Buffer hidden>"),
    (_JSON_BUFFER, rf'\1"{HIDDEN}"'),
    (_BYTE_LIST, HIDDEN),
    (_HEX_BYTES, HIDDEN),
    (_ESCAPES, HIDDEN),
    (_QR_URL, HIDDEN),
    (_QR, HIDDEN),
    (_TELEGRAM, HIDDEN),
    (_USERINFO, rf"\1{HIDDEN}@"),
    (_SCHEME, rf"\1 {HIDDEN}"),
    (_CODE, rf"\1{HIDDEN}"),
    (_NAMED, rf"\1{HIDDEN}"),
    (_SIGNED, rf"\1{HIDDEN}"),
    (_QUERY, rf"\1{HIDDEN}"),
    (_LONG, _long),
    (_OLD_GROUP, lambda match: _mask(match[1]) + match[2]),
    (_JID, lambda match: _mask(match[1]) + match[2]),
    (_FILE, lambda match: match[1] + _mask(match[2])),
    (_ADDRESS, _address),
    (_PHONE_WORD, lambda match: match[1] + _mask(match[2])),
    (_PLUS, lambda match: _mask(match[1])),
    (_BARE, _bare),
)
"""In this order: what is hidden whole goes first, so that no later rule leaves half of it."""
