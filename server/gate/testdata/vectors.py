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
sum_key = HKDF(SHA256(), 32, None, b"sigill sum v1").derive(store_key)
sums = {}
print("# room | row key | value in clear | value in the engine")
rows = [
    ("drafts", b"\x00", b""),
    ("drafts", b"\x00\x01", b"one"),
    ("d", b"rafts\x00\x01", b"one"),
    ("signed", struct.pack(">Q", 4711), bytes(range(256)) * 5),
]
for room, key, value in rows:
    info = b"sigill value v1" + bytes([len(room)]) + room.encode() + key
    sealed = seal(store_key, info, fixed("salt" + room, 16), value)
    line("value", room, key, value, sealed)
    name = bytes([len(room)]) + room.encode()
    term = name + struct.pack(">H", len(key)) + key + struct.pack(">I", len(sealed)) + sealed[:17] + sealed[-16:]
    rows_of, total = sums.get(name, (0, 0))
    term = int.from_bytes(hmac.digest(sum_key, term, "sha256"), "big")
    sums[name] = (rows_of + 1, (total + term) % 2**256)
print("# the sum over these rows, in clear | as the row of the sum")
clear = b"".join(
    name + struct.pack(">Q", n) + total.to_bytes(32, "big")
    for name, (n, total) in sorted(sums.items(), key=lambda room: room[0][1:])
)
line("sum", clear, seal(store_key, b"sigill value v1\x04gatesum", fixed("salt sum", 16), clear))
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
