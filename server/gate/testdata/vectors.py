"""Makes gate.txt from SPEC.md, "The gate", without the Go code.

Run: python3 vectors.py > gate.txt (needs the package cryptography).
"""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


def fixed(label, n):
    return hashlib.sha256(label.encode()).digest()[:n]


def seal(secret, info, salt, plaintext):
    key = HKDFExpand(SHA256(), 32, info + salt).derive(secret)
    return b"\x01" + salt + AESGCM(key).encrypt(bytes(12), plaintext, None)


def line(*fields):
    print(" ".join(f.hex() if isinstance(f, bytes) and f else f or "-" for f in fields))


gate_key, store_key, matter_key = (fixed(x, 32) for x in ("gate", "store", "matter"))
print("# gate key | wrapped store key")
line("store-key", gate_key, seal(gate_key, b"sigill store key v1", fixed("salt", 16), store_key))
print("# room | row key | value in clear | value in the engine")
rows = [
    ("drafts", b"\x00", b""),
    ("drafts", b"\x00\x01", b"one"),
    ("d", b"rafts\x00\x01", b"one"),
    ("signed", struct.pack(">Q", 4711), bytes(range(256)) * 5),
]
for room, key, value in rows:
    info = b"sigill value v1" + bytes([len(room)]) + room.encode() + key
    line("value", room, key, value, seal(store_key, info, fixed("salt" + room, 16), value))
print("# matter key | place | clear | sealed")
for place, clear in [("content/1", b"beslut"), ("", b"")]:
    sealed = seal(matter_key, b"sigill matter v1" + place.encode(), fixed("salt" + place, 16), clear)
    line("matter", matter_key, place, clear, sealed)
print("# result | label | data")
mac_key = HKDF(SHA256(), 32, None, b"sigill mac v1").derive(store_key)
for label, *data in [("case",), ("case", b"B 1-26"), ("case", b"B 1", b"-26"), ("", b"caseB 1-26"), ("case", b"")]:
    parts = [label.encode(), *data]
    mac = hmac.digest(mac_key, b"".join(struct.pack(">I", len(p)) + p for p in parts), "sha256")
    line("mac", mac, label, *data)
