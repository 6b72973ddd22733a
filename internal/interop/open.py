"""Opens a record of onetoken, as docs/interop.md describes it. Needs python3-cryptography.

    python3 open.py <document.json

The document: {"public": [...], "secret": [...], "id": "...", "record": {"sealed", "fingerprint",
"life", "ends_at"}, "pttl": 1, "now": 1}. All of the record is text, as Redis has it. Without an id
it is made of the public parts. With pttl (PTTL of the key, ms) also ends_at and now (Redis'
TIME, ms) are needed, and it prints how long the token lasts: never leave this out where the
record comes from Redis. Reads only: nobody but onetoken writes these keys.
"""

import base64
import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LONGEST_TOKEN = 32 * 1024  # bytes, both together
LONGEST_SEAL = 43744  # characters
LONGEST_LIFE = 3650 * 24 * 3600 * 1000  # ms


class Refused(Exception):
    """Says why, never with a token, a secret or a seal in it."""


def to_bytes(part):
    return part if isinstance(part, bytes) else part.encode()


def with_lengths(*parts):
    """Writes each part as its length in bytes, a colon and the bytes."""
    return b"".join(b"%d:%s" % (len(part), part) for part in map(to_bytes, parts))


def cut_part(text):
    """Takes the first part off what with_lengths wrote."""
    digits, colon, rest = text.partition(b":")
    if not colon or not re.fullmatch(rb"0|[1-9][0-9]{0,4}", digits) or int(digits) > len(rest):
        raise Refused("what was sealed is no pair of tokens")
    return rest[: int(digits)], rest[int(digits) :]


def derive(public, secret, info, size):
    if not any(secret):
        raise Refused("there is no secret")
    return HKDF(SHA256(), size, salt=with_lengths(*public), info=info).derive(with_lengths(*secret))


def escape(text):
    """Percent-encodes every byte but [A-Za-z0-9_.-]."""
    return re.sub(rb"[^A-Za-z0-9_.-]", lambda byte: b"%%%02X" % ord(byte[0]), text.encode()).decode()


def millis(text, what):
    """Reads a whole number as the record has it: digits, no leading zero."""
    if not isinstance(text, str) or not re.fullmatch("0|[1-9][0-9]{0,14}", text):
        raise Refused(what + " is no number")
    return int(text)


def unbase64url(text):
    if not isinstance(text, str) or not 38 <= len(text) <= LONGEST_SEAL:
        raise Refused("the seal is too short or too long")
    if not re.fullmatch("[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Refused("the seal is not canonical base64url")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:  # bits behind the end
        raise Refused("the seal is not canonical base64url")
    return raw


def open_seal(key, sealed, additional_data):
    raw = unbase64url(sealed)
    try:
        return AESGCM(key).decrypt(raw[:12], raw[12:], additional_data)
    except InvalidTag:
        raise Refused("the seal cannot be opened") from None


def open_record(key, id, record):
    life = millis(record["life"], "life")
    if not 1 <= life <= LONGEST_LIFE:
        raise Refused("life is out of range")
    data = with_lengths("record", id, record["fingerprint"], record["life"])
    app, rest = cut_part(open_seal(key, record["sealed"], data))
    tenant, leftover = cut_part(rest)
    if leftover or not 1 <= len(app) + len(tenant) <= LONGEST_TOKEN:
        raise Refused("what was sealed is no pair of tokens")
    if hashlib.sha256(with_lengths(app, tenant)).hexdigest()[:32] != record["fingerprint"]:
        raise Refused("what was sealed has another fingerprint")
    # Strictly UTF-8; onetoken itself takes any bytes for a token.
    return {"app_access_token": app.decode(), "tenant_access_token": tenant.decode()}


def remaining(record, pttl, now):
    """How long the token lasts, in ms, counted from before Redis was asked."""
    life = millis(record["life"], "life")
    left = millis(record["ends_at"], "ends_at") - now
    if pttl < 1:  # -1, -2
        raise Refused("no TTL, or no record")
    if pttl > life:
        raise Refused("TTL beyond life")
    if left < 1:
        raise Refused("past its end")
    if left > life:
        raise Refused("end beyond life")
    return min(pttl, left)


def main():
    document = json.load(sys.stdin.buffer)
    public, secret, record = document["public"], document["secret"], document["record"]
    digest = derive(public, secret, b"onetoken/1 id", 16).hex()
    id = document.get("id") or f"{escape(public[0])}:{escape(public[1])}:{digest}"
    if not id.endswith(":" + digest):
        raise Refused("the id is of another credential")
    says = {"id": id, "digest": digest}
    says.update(open_record(derive(public, secret, b"onetoken/1 seal", 32), id, record))
    if "pttl" in document:
        says["remaining_ms"] = remaining(record, document["pttl"], document["now"])
    print(json.dumps(says))


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        sys.exit(f"refused: {why}")
    except Exception as error:  # whose text may quote
        sys.exit(f"refused: the document is not as expected ({type(error).__name__})")
