"""The sealed format, version 1, written from its description alone and from nothing of the crate.

A reader and a writer for cookies and stored blobs, up to where the application is asked (schemas, payloads,
revocation) or a store (a missing blob). Plain rather than fast: for tests, not for use. Byte strings are `bytes`;
times, windows and generations are `int`. Needs Python 3.10.
"""

import base64
import hashlib
import hmac
import os
import re
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

SALT = b"sealed-session/v1"
SUITES = {"xaes": 1, "xchacha": 2}
VERSION = 1
INLINE, REFERENCE, BLOB = 1, 2, 3
BUCKETS = (1, 32, 64, 128)
BLOB_BUCKET = 256
LONGEST_COOKIE = 4096

HEADER = struct.Struct(">IIII16sBB")  # schema, created, issued, window, session id, flags, pad
PERSISTENT = 0x01
NONCE, TAG = 24, 16
SHORTEST_COOKIE = 5 + NONCE + HEADER.size + TAG
SHORTEST_BLOB = 13 + NONCE + 6 + TAG


class Refused(Exception):
    """A cookie or a blob that yields no data: `args[0]` is the class, as the format description names it."""


class BadKey(Exception):
    """A key text, or a ring of keys, that does not load."""


# --- The pieces that the format is made of


def encode64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode64(text: str) -> bytes:
    """Canonical base64url without padding; any other spelling is a `ValueError`."""
    if not re.fullmatch("[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode64(data) != text:
        raise ValueError("unused bits are not zero")
    return data


def lp(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, section 2.3, for up to one block, which is all that the format asks for."""
    assert length <= 32
    return hmac_sha256(prk, info + b"\x01")[:length]


def xaes(key: bytes, nonce: bytes) -> tuple[AESGCM, bytes]:
    """XAES-256-GCM: the AES-256-GCM of a derived key, and the nonce for that."""
    block = Cipher(AES(key), ECB()).encryptor()
    doubled = int.from_bytes(block.update(bytes(16)), "big") << 1
    if doubled >> 128:
        doubled ^= (1 << 128) | 0x87
    derived = b""
    for counter in (1, 2):
        message = struct.pack(">HBB", counter, ord("X"), 0) + nonce[:12]
        derived += block.update((int.from_bytes(message, "big") ^ doubled).to_bytes(16, "big"))
    return AESGCM(derived), nonce[12:]


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """draft-irtf-cfrg-xchacha-03, section 2.2."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def step(a: int, b: int, d: int, turn: int) -> None:
        state[a] = (state[a] + state[b]) & 0xFFFFFFFF
        mixed = state[d] ^ state[a]
        state[d] = (mixed << turn | mixed >> (32 - turn)) & 0xFFFFFFFF

    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for a, b, c, d in (columns + diagonals) * 10:
        step(a, b, d, 16)
        step(c, d, b, 12)
        step(a, b, d, 8)
        step(c, d, b, 7)
    return struct.pack("<8I", *state[:4], *state[12:])


def xchacha(key: bytes, nonce: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    """XChaCha20-Poly1305: the ChaCha20-Poly1305 of a derived key, and the nonce for that."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])), bytes(4) + nonce[16:]


AEADS = {1: xaes, 2: xchacha}


def aead_seal(suite: int, key: bytes, nonce: bytes, text: bytes, data: bytes) -> bytes:
    aead, inner = AEADS[suite](key, nonce)
    return aead.encrypt(inner, text, data)


def aead_open(suite: int, key: bytes, nonce: bytes, text: bytes, data: bytes) -> bytes:
    aead, inner = AEADS[suite](key, nonce)
    try:
        return aead.decrypt(inner, text, data)
    except InvalidTag:
        raise Refused("forged") from None


# --- Keys


class Key:
    """One key, from its text."""

    def __init__(self, text: str):
        shape = re.fullmatch(r"(ssk1\.([a-z]+)\.([^.]*))\.([^.]*)", text)
        if not shape or shape[2] not in SUITES:
            raise BadKey("not a key")
        try:
            self.master, checksum = decode64(shape[3]), decode64(shape[4])
        except ValueError:
            raise BadKey("not base64url") from None
        if len(self.master) != 32:
            raise BadKey("not 32 bytes")
        if checksum != hashlib.sha256(shape[1].encode()).digest()[:4]:
            raise BadKey("wrong checksum")
        if len(set(self.master)) == 1:
            raise BadKey("all bytes are equal")
        self.suite = SUITES[shape[2]]
        self.prk = hmac_sha256(SALT, self.master)
        self.kid = hkdf_expand(self.prk, lp(b"kid") + bytes([self.suite]), 4)

    def role_key(self, role: int, realm: str, cookie_name: str) -> bytes:
        info = lp(b"enc") + bytes([self.suite, role]) + lp(realm.encode()) + lp(cookie_name.encode())
        return hkdf_expand(self.prk, info, 32)


class Ring:
    """Keys of an application and a cookie. The first seals; each opens what its kid names."""

    def __init__(self, keys: list[str], realm: str, cookie_name: str):
        self.realm, self.cookie_name = realm, cookie_name
        self.keys = [Key(text) for text in keys]
        self.by_kid = {key.kid: key for key in self.keys}
        if not self.keys:
            raise BadKey("an empty ring")
        if len(self.by_kid) < len(self.keys):
            raise BadKey("two keys of one kid")

    def pick(self, kid: bytes) -> Key:
        if kid not in self.by_kid:
            raise Refused("unknown_key")
        return self.by_kid[kid]

    def role_key(self, key: Key, role: int) -> bytes:
        return key.role_key(role, self.realm, self.cookie_name)


# --- Frames


@dataclass(frozen=True)
class Lifetime:
    """The operator's limits, in seconds: how long a session lasts, and the longest window of the day, if any."""

    absolute: int
    longest_window: int | None


@dataclass(frozen=True)
class Policy:
    """What a reader judges a cookie's times by."""

    now: int
    clock_skew: int
    persistent: Lifetime
    other: Lifetime


@dataclass(frozen=True)
class Cookie:
    """What both frames carry; `kid` and `nonce` are those that it arrived with."""

    created: int
    issued: int
    window: int
    sid: bytes
    persistent: bool
    kid: bytes = field(default=b"", kw_only=True)
    nonce: bytes = field(default=b"", kw_only=True)


@dataclass(frozen=True)
class Inline(Cookie):
    schema: int
    payload: bytes
    pad: int


@dataclass(frozen=True)
class Reference(Cookie):
    generation: int
    secret: bytes


@dataclass(frozen=True)
class Blob:
    generation: int
    schema: int
    payload: bytes
    pad: int
    kid: bytes = field(default=b"", kw_only=True)
    nonce: bytes = field(default=b"", kw_only=True)


def fewest(length: int, bucket: int) -> int:
    """The pad that brings a plaintext of `length` bytes to a multiple of `bucket`."""
    return -length % bucket


def inline_pad(payload: bytes, bucket: int) -> int:
    return fewest(HEADER.size + len(payload), bucket)


def blob_pad(payload: bytes) -> int:
    return fewest(6 + len(payload), BLOB_BUCKET)


def unpad(body: bytes, pad: int) -> bytes:
    if pad > len(body):
        raise Refused("bad_frame")
    payload, zeros = body[: len(body) - pad], body[len(body) - pad :]
    if any(zeros):
        raise Refused("bad_frame")
    return payload


def read_frame(role: int, frame: bytes) -> Inline | Reference:
    schema, created, issued, window, sid, flags, pad = HEADER.unpack_from(frame)
    body = frame[HEADER.size :]
    if flags & ~PERSISTENT or issued < created or window == 0:
        raise Refused("bad_frame")
    common = created, issued, window, sid, bool(flags & PERSISTENT)
    if role == INLINE:
        return Inline(*common, schema, unpad(body, pad), pad)
    if schema or pad or len(body) != 40:
        raise Refused("bad_frame")
    return Reference(*common, *struct.unpack(">Q32s", body))


def write_frame(cookie: Inline | Reference) -> bytes:
    inline = isinstance(cookie, Inline)
    schema, pad = (cookie.schema, cookie.pad) if inline else (0, 0)
    flags = PERSISTENT if cookie.persistent else 0
    header = HEADER.pack(schema, cookie.created, cookie.issued, cookie.window, cookie.sid, flags, pad)
    if inline:
        return header + cookie.payload + bytes(pad)
    return header + struct.pack(">Q32s", cookie.generation, cookie.secret)


# --- Cookies


def judge(cookie: Cookie, policy: Policy) -> None:
    lifetime = policy.persistent if cookie.persistent else policy.other
    window = cookie.window
    if lifetime.longest_window is not None:
        window = min(window, lifetime.longest_window)
    if cookie.issued > policy.now + policy.clock_skew:
        raise Refused("not_yet_valid")
    if policy.now >= min(cookie.issued + window, cookie.created + lifetime.absolute):
        raise Refused("expired")


def split(value: str) -> tuple[int, bytes]:
    """The role and the envelope that a cookie's value spells."""
    if len(value) > LONGEST_COOKIE:
        raise Refused("malformed")
    try:
        envelope = decode64(value)
    except ValueError:
        raise Refused("malformed") from None
    version = envelope[0] >> 4 if envelope else 0
    if version > VERSION:
        raise Refused("unsupported_version")
    if version < VERSION:
        raise Refused("malformed")
    role = envelope[0] & 0x0F
    if role not in (INLINE, REFERENCE) or len(envelope) < SHORTEST_COOKIE:
        raise Refused("malformed")
    return role, envelope


def open_frame(ring: Ring, value: str) -> tuple[int, bytes, bytes, bytes]:
    """The role, the kid, the nonce and the frame, authentic and not yet read."""
    role, envelope = split(value)
    data, nonce, sealed = envelope[:5], envelope[5 : 5 + NONCE], envelope[5 + NONCE :]
    key = ring.pick(data[1:])
    return role, key.kid, nonce, aead_open(key.suite, ring.role_key(key, role), nonce, sealed, data)


def open_cookie(ring: Ring, value: str, policy: Policy) -> Inline | Reference:
    """Up to where the application, or the store, is asked; `Refused` with a class if it does not come so far."""
    role, kid, nonce, frame = open_frame(ring, value)
    cookie = read_frame(role, frame)
    judge(cookie, policy)
    return type(cookie)(**{**vars(cookie), "kid": kid, "nonce": nonce})


def seal_frame(ring: Ring, role: int, frame: bytes, nonce: bytes | None = None) -> str:
    """Seals any bytes, a frame or not."""
    key, nonce = ring.keys[0], os.urandom(NONCE) if nonce is None else nonce
    data = bytes([VERSION << 4 | role]) + key.kid
    return encode64(data + nonce + aead_seal(key.suite, ring.role_key(key, role), nonce, frame, data))


def seal_cookie(ring: Ring, cookie: Inline | Reference, nonce: bytes | None = None) -> str:
    """Seals with the first key. Whether the writer may send it is for `fits` to say."""
    role = INLINE if isinstance(cookie, Inline) else REFERENCE
    return seal_frame(ring, role, write_frame(cookie), nonce)


def fits(ring: Ring, value: str) -> bool:
    """Whether browsers keep it."""
    return len(ring.cookie_name.encode()) + len(value) <= LONGEST_COOKIE


# --- Blobs


def blob_index(secret: bytes) -> bytes:
    return hmac_sha256(secret, b"index")[:16]


def blob_key(ring: Ring, key: Key, secret: bytes, sid: bytes) -> bytes:
    return hmac_sha256(ring.role_key(key, BLOB), secret + sid)


def open_blob(ring: Ring, blob: bytes, secret: bytes, sid: bytes, min_generation: int, limit: int) -> Blob:
    if not SHORTEST_BLOB <= len(blob) <= limit or blob[0] != VERSION << 4 | BLOB:
        raise Refused("malformed")
    data, nonce, sealed = blob[:13], blob[13 : 13 + NONCE], blob[13 + NONCE :]
    key = ring.pick(data[1:5])
    plain = aead_open(key.suite, blob_key(ring, key, secret, sid), nonce, sealed, data)
    (generation,) = struct.unpack(">Q", data[5:])
    if generation < min_generation:
        raise Refused("stale_blob")
    schema, pad = struct.unpack_from(">IH", plain)
    return Blob(generation, schema, unpad(plain[6:], pad), pad, kid=key.kid, nonce=nonce)


def seal_blob_plaintext(
    ring: Ring, generation: int, plain: bytes, secret: bytes, sid: bytes, nonce: bytes | None = None
) -> bytes:
    """Seals any bytes, a schema with a pad and a payload or not."""
    key, nonce = ring.keys[0], os.urandom(NONCE) if nonce is None else nonce
    data = bytes([VERSION << 4 | BLOB]) + key.kid + struct.pack(">Q", generation)
    return data + nonce + aead_seal(key.suite, blob_key(ring, key, secret, sid), nonce, plain, data)


def seal_blob(ring: Ring, blob: Blob, secret: bytes, sid: bytes, nonce: bytes | None = None) -> bytes:
    plain = struct.pack(">IH", blob.schema, blob.pad) + blob.payload + bytes(blob.pad)
    return seal_blob_plaintext(ring, blob.generation, plain, secret, sid, nonce)
