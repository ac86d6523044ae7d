"""Answers questions about sealed cookies and blobs: a line of JSON in, a line of JSON out, until the input ends.

Bytes are hexadecimal. Every question names a ring (`keys`, `realm`, `cookie_name`) and what it `asks` for; one that is
not understood ends the process.
"""

import json
import sys

from sealed_session import (
    BadKey,
    Blob,
    Inline,
    Lifetime,
    Policy,
    Reference,
    Refused,
    Ring,
    blob_index,
    blob_pad,
    fits,
    inline_pad,
    open_blob,
    open_cookie,
    seal_blob,
    seal_blob_plaintext,
    seal_cookie,
    seal_frame,
)

FRAMES = {"inline": Inline, "reference": Reference, "blob": Blob}
BYTES = ("sid", "payload", "secret", "kid", "nonce")


def opened(frame: Inline | Reference | Blob) -> dict:
    fields = {name: value.hex() if name in BYTES else value for name, value in vars(frame).items()}
    kind = next(name for name, kind in FRAMES.items() if isinstance(frame, kind))
    return {"class": "opened", "frame": {"kind": kind, **fields}}


def given(frame: dict) -> Inline | Reference | Blob:
    fields = {name: bytes.fromhex(value) if name in BYTES else value for name, value in frame.items()}
    return FRAMES[fields.pop("kind")](**fields)


def answer_open(ring: Ring, question: dict) -> dict:
    lifetimes = [Lifetime(*question[kind]) for kind in ("persistent", "other")]
    policy = Policy(question["now"], question["clock_skew"], *lifetimes)
    return opened(open_cookie(ring, question["value"], policy))


def answer_seal(ring: Ring, question: dict) -> dict:
    """Pads anew, to the bucket; a frame that has a nonce is sealed with it."""
    frame = question["frame"]
    if frame["kind"] == "inline":
        frame["pad"] = inline_pad(bytes.fromhex(frame["payload"]), question["bucket"])
    cookie = given(frame)
    value = seal_cookie(ring, cookie, cookie.nonce or None)
    return {"value": value, "fits": fits(ring, value)}


def answer_seal_raw(ring: Ring, question: dict) -> dict:
    """Authentic, whatever is in it."""
    return {"value": seal_frame(ring, question["role"], bytes.fromhex(question["frame"]))}


def answer_open_blob(ring: Ring, question: dict) -> dict:
    blob, secret, sid = (bytes.fromhex(question[name]) for name in ("blob", "secret", "sid"))
    frame = open_blob(ring, blob, secret, sid, question["min_generation"], question["limit"])
    return {**opened(frame), "index": blob_index(secret).hex()}


def answer_seal_blob(ring: Ring, question: dict) -> dict:
    frame = question["frame"]
    secret, sid = (bytes.fromhex(question[name]) for name in ("secret", "sid"))
    blob = given({**frame, "pad": blob_pad(bytes.fromhex(frame["payload"]))})
    return {"blob": seal_blob(ring, blob, secret, sid, blob.nonce or None).hex()}


def answer_seal_raw_blob(ring: Ring, question: dict) -> dict:
    plain, secret, sid = (bytes.fromhex(question[name]) for name in ("frame", "secret", "sid"))
    return {"blob": seal_blob_plaintext(ring, question["generation"], plain, secret, sid).hex()}


def answer_kids(ring: Ring, _: dict) -> dict:
    return {"class": "loads", "kids": [key.kid.hex() for key in ring.keys]}


ASKS = {
    "kids": answer_kids,
    "open": answer_open,
    "seal": answer_seal,
    "seal_raw": answer_seal_raw,
    "open_blob": answer_open_blob,
    "seal_blob": answer_seal_blob,
    "seal_raw_blob": answer_seal_raw_blob,
}


def answer(question: dict) -> dict:
    try:
        ring = Ring(question["keys"], question["realm"], question["cookie_name"])
    except BadKey:
        return {"class": "refused"}
    try:
        return ASKS[question["asks"]](ring, question)
    except Refused as refused:
        return {"class": refused.args[0]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
