"""What the registry of datanets computes, a second time: the definitions of docs/formats.md in plain Python, Keccak
included. Writes datanets.json, which the program's tests read.

    python3 docs/vectors/datanets_reference.py > docs/vectors/datanets.json
"""

import hashlib
import json
import struct

MASK = (1 << 64) - 1
RULE = "minhash-8b-32x4-jaccard-7/10/1"


def lp(data):
    return struct.pack("<Q", len(data)) + data


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def jcs(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


# ---- Keccak-256 with the original padding

ROTATIONS = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]]


def round_constants():
    state = 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if state & 1:
                constant |= 1 << ((1 << j) - 1)
            state = state << 1 ^ (0x171 if state & 0x80 else 0)
        yield constant


def rotate(word, by):
    return (word << by | word >> (64 - by)) & MASK if by else word


def permute(a):
    for constant in round_constants():
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[x - 1] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                b[y][(2 * x + 3 * y) % 5] = rotate(a[x][y] ^ d[x], ROTATIONS[x][y])
        for x in range(5):
            for y in range(5):
                a[x][y] = b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y])
        a[0][0] ^= constant


def keccak(*parts):
    data = bytearray(b"".join(parts))
    data += b"\x01" + bytes(-(len(data) + 1) % 136)
    data[-1] |= 0x80
    a = [[0] * 5 for _ in range(5)]
    for block in range(0, len(data), 136):
        for i in range(17):
            a[i % 5][i // 5] ^= struct.unpack_from("<Q", data, block + 8 * i)[0]
        permute(a)
    return b"".join(struct.pack("<Q", a[i % 5][i // 5]) for i in range(4))


# ---- rows

def contributor_hash(salt, name):
    return sha(lp(b"openlora/contributor/v1"), lp(salt), lp(name.encode()))


def row_json(datanet, row):
    return jcs({**row, "contributor": contributor_hash(bytes.fromhex(datanet["salt"]), row["contributor"]).hex()})


def datanet_digest(datanet):
    return sha(lp(b"openlora/datanet/v1"), *[row_json(datanet, row) + b"\n" for row in datanet["rows"]])


def merkle_root(datanet):
    salt = bytes.fromhex(datanet["salt"])
    leaves = sorted(
        keccak(keccak(number.to_bytes(32, "big"), contributor_hash(salt, row["contributor"]),
                      keccak(row_json(datanet, row))))
        for number, row in enumerate(datanet["rows"]))
    nodes = [b""] * (len(leaves) - 1) + leaves[::-1]
    for i in reversed(range(len(leaves) - 1)):
        nodes[i] = keccak(*sorted(nodes[2 * i + 1:2 * i + 3]))
    return nodes[0]


# ---- near-duplicates

def shingles(text):
    spaced = "".join(" " if c in "\t\n\v\f\r " else c.lower() if "A" <= c <= "Z" else c for c in text)
    data = " ".join(part for part in spaced.split(" ") if part).encode()
    return {int.from_bytes(data[i:i + 8], "little") for i in range(max(1, len(data) - 7))}


def mix(word):
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9 & MASK
    word = (word ^ word >> 27) * 0x94d049bb133111eb & MASK
    return word ^ word >> 31


def bands(text):
    hashes = [mix(x) >> 32 for x in shingles(text)]
    gamma = 0x9e3779b97f4a7c15
    minima = []
    for i in range(128):
        a = mix((2 * i + 1) * gamma & MASK) >> 32 | 1
        b = mix((2 * i + 2) * gamma & MASK) >> 32
        minima.append(min((a * h + b) & 0xffffffff for h in hashes))
    return [mix((mix(m[0] << 32 | m[1]) + (m[2] << 32 | m[3])) & MASK) >> 32
            for m in (minima[i:i + 4] for i in range(0, 128, 4))]


def copies(datanets):
    """Per datanet [(row, datanet of the original, row of the original)]."""
    originals = []
    found = []
    for d, datanet in enumerate(datanets):
        found.append([])
        for r, row in enumerate(datanet["rows"]):
            here = shingles(row["text"])
            near = next((place for place, other in originals if 10 * len(here & other) >= 7 * len(here | other)), None)
            if near is None:
                originals.append(((d, r), here))
            else:
                found[d].append((r, *near))
    return found


def copies_digest(digest, rows, digests):
    return sha(lp(b"openlora/copies/v1"), lp(RULE.encode()), digest,
               *[struct.pack("<I", row) + digests[d] + struct.pack("<I", r) for row, d, r in rows])


def event_hash(previous, at, digest, kind, body):
    return sha(lp(b"openlora/datanet-event/v1"), previous, struct.pack("<Q", at), digest, lp(kind.encode()),
               lp(body.encode()))


# ---- the vectors

def main():
    tide = "The tide comes back to the grey harbour at dusk, and the boats rise with it."
    datanets = [
        {"id": "tides", "salt": bytes(range(32)).hex(), "rows": [
            {"contributor": "ada", "text": tide},
            {"contributor": "bø", "prompt": "Why?", "text": "Because the moon pulls, \"quoted\" and\tindented; 潮汐。"},
            {"contributor": "ada", "text": "Yes"},
            {"contributor": "ada", "text": tide.upper()}]},
        {"id": "copies", "salt": bytes(range(1, 33)).hex(), "rows": [
            {"contributor": "cy", "text": tide.replace("grey", "gray")},
            {"contributor": "cy", "text": " yes\n"},
            {"contributor": "cy", "text": "No"},
            {"contributor": "cy", "text": tide[:40]},
            {"contributor": "cy", "text": "No."}]},
    ]
    digests = [datanet_digest(datanet) for datanet in datanets]
    found = copies(datanets)
    body = jcs({"actor": "ada", "reason": "consent was withdrawn"}).decode()
    first = event_hash(bytes(32), 1_790_000_000_000, digests[0], "RETIRED", body)
    print(json.dumps({
        "rule": RULE,
        "datanets": [{
            **datanet, "digest": digests[d].hex(), "merkleRoot": merkle_root(datanet).hex(),
            "copies": found[d], "copiesDigest": copies_digest(digests[d], found[d], digests).hex(),
            "bands": [bands(row["text"]) for row in datanet["rows"]],
        } for d, datanet in enumerate(datanets)],
        "events": [{"at": 1_790_000_000_000, "datanet": digests[0].hex(), "kind": "RETIRED", "body": body,
                    "hash": first.hex()},
                   {"at": 1_790_000_000_001, "datanet": digests[1].hex(), "kind": "RETIRED", "body": body,
                    "hash": event_hash(first, 1_790_000_000_001, digests[1], "RETIRED", body).hex()}],
    }, indent=1, ensure_ascii=False))


main()
