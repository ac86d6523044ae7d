"""Holds `sealed_session.py` to every vector of tests/vectors. Ends with the counts; fails at the first disagreement."""

import json
import pathlib
from collections import Counter

from sealed_session import (
    BUCKETS,
    BadKey,
    Blob,
    Inline,
    Key,
    Lifetime,
    Policy,
    Reference,
    Refused,
    Ring,
    blob_index,
    blob_pad,
    inline_pad,
    open_blob,
    open_cookie,
    seal_blob,
    seal_cookie,
)

unhex = bytes.fromhex


def ring(vector: dict) -> Ring:
    return Ring(vector["keys"], vector["realm"], vector["cookie_name"])


def sealing(vector: dict, kid: bytes) -> Ring:
    """The ring of the one key that has sealed it."""
    return Ring(
        [text for text in vector["keys"] if Key(text).kid == kid], vector["realm"], vector["cookie_name"]
    )


def check_keys(vector: dict) -> None:
    try:
        keys = Ring(vector["keys"], "", "session").keys
    except BadKey:
        assert vector["expect"] == "refused"
        return
    assert vector["expect"] == "loads"
    assert vector.get("kid") in (None, [key.kid.hex() for key in keys])
    assert vector.get("master") in (None, keys[0].master.hex())
    assert vector.get("suite") in (None, {1: "xaes", 2: "xchacha"}[keys[0].suite])


def frame_of(vector: dict) -> Inline | Reference:
    frame = vector["frame"]
    common = [frame[name] for name in ("created", "issued", "window")]
    common += [unhex(frame["sid"]), frame["persistent"]]
    if vector["role"] == "inline":
        return Inline(*common, frame["schema"], unhex(frame["payload"]), frame["pad"])
    assert (frame["schema"], frame["pad"]) == (0, 0)
    return Reference(*common, int(frame["generation"]), unhex(frame["secret"]))


def check_cookie(vector: dict) -> None:
    lifetime = Lifetime(vector["absolute_lifetime"], vector["longest_window"])
    policy = Policy(vector["now"], vector["clock_skew"], lifetime, lifetime)
    try:
        opened = open_cookie(ring(vector), vector["value"], policy)
    except Refused as refused:
        assert vector["expect"] == refused.args[0], refused
        return
    assert vector["expect"] == "opened"
    assert opened.kid.hex() == vector["kid"]
    frame = frame_of(vector)
    assert {**vars(opened), "kid": b"", "nonce": b""} == vars(frame)
    if "nonce" in vector:
        assert opened.nonce.hex() == vector["nonce"]
        assert seal_cookie(sealing(vector, opened.kid), frame, opened.nonce) == vector["value"]
        # A reader takes any pad; no bucket makes one of 128 or more.
        if isinstance(frame, Inline) and frame.pad < max(BUCKETS):
            assert frame.pad in [inline_pad(frame.payload, bucket) for bucket in BUCKETS]


def check_blob(vector: dict) -> None:
    blob, secret, sid = (unhex(vector[name]) for name in ("blob", "secret", "sid"))
    assert blob_index(secret).hex() == vector["index"]
    try:
        opened = open_blob(ring(vector), blob, secret, sid, int(vector["min_generation"]), vector["limit"])
    except Refused as refused:
        assert vector["expect"] == refused.args[0], refused
        return
    assert vector["expect"] == "opened"
    frame = vector["blob_frame"]
    frame = Blob(int(frame["generation"]), frame["schema"], unhex(frame["payload"]), frame["pad"])
    assert {**vars(opened), "kid": b"", "nonce": b""} == vars(frame)
    if "nonce" in vector:
        assert opened.nonce.hex() == vector["nonce"]
        assert seal_blob(sealing(vector, opened.kid), frame, secret, sid, opened.nonce) == blob
        assert frame.pad == blob_pad(frame.payload)


def main() -> None:
    checks = {"keys": check_keys, "cookies": check_cookie, "blobs": check_blob}
    count = Counter()
    files = sorted((pathlib.Path(__file__).parent.parent / "vectors").glob("*.json"))
    for file in files:
        for kind, vectors in json.loads(file.read_text()).items():
            if kind == "format":
                continue
            for vector in vectors:
                try:
                    checks[kind](vector)
                except Exception:
                    print(f"{file.name}, {kind}: {vector['name']}")
                    raise
                count[kind] += 1
    assert all(count[kind] for kind in checks), "vectors are missing"
    print(", ".join(f"{number} {kind}" for kind, number in count.items()), "in", len(files), "files")


if __name__ == "__main__":
    main()
