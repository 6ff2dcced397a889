"""Attribution and pricing, computed a second time: the definitions of docs/formats.md in plain Python, without any of
the program's data structures. Writes attribution.json, which the program's tests read.

    python3 docs/vectors/attribution_reference.py > docs/vectors/attribution.json
"""

import hashlib
import json
import struct
from fractions import Fraction

WHOLE = 1_000_000


def lp(data):
    return struct.pack("<Q", len(data)) + data


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def jcs(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def domain(name):
    return lp(name.encode())


# ---- identities

def contributor_hash(salt, name):
    return sha(domain("openlora/contributor/v1"), lp(salt), lp(name.encode()))


def datanet_digest(datanet):
    salt = bytes.fromhex(datanet["salt"])
    rows = b""
    for row in datanet["rows"]:
        rows += jcs({**row, "contributor": contributor_hash(salt, row["contributor"]).hex()}) + b"\n"
    return sha(domain("openlora/datanet/v1"), rows)


def corpus_root(digest, tokenizer):
    return sha(domain("openlora/corpus/v1"), digest, tokenizer)


def price_book_digest(book):
    return sha(domain("openlora/price-book/v1"), lp(jcs(book)))


def scorer_id(parts):
    return sha(domain("openlora/scorer/v1"), lp(jcs(parts)))


SCORERS = {
    1: scorer_id({
        "copies": "normalised-text/1",
        "evidence": "exact-span/1",
        "prior": "lineage-by-scale/1",
        "rarity": "lineage-unigram-log2-q16/1",
    }),
    2: scorer_id({
        "cap": "whole-evidence/1",
        "copies": "minhash-8b-32x4-jaccard-7/10/1",
        "evidence": "exact-span/2",
        "prior": "lineage-by-scale/1",
        "rarity": "lineage-unigram-log2-q16/2",
        "split": "replication-robust/1",
    }),
}


# ---- evidence

def log2(number):
    return (number ** 65536).bit_length() - 1


def rarity_table(corpora):
    counts = {}
    for rows in corpora:
        for row in rows:
            for token in row:
                counts[token] = counts.get(token, 0) + 1
    total, kinds = sum(counts.values()), len(counts)
    whole = log2(total + kinds + 1)
    costs = {token: whole - log2(count + 1) for token, count in counts.items()}
    digest = sha(domain("openlora/rarity/v1"), struct.pack("<QQ", total, kinds),
                 *[struct.pack("<QQQ", token, counts[token], costs[token]) for token in sorted(counts)])
    return (lambda token: costs.get(token, whole)), digest


def occurs(row, piece):
    return any(row[i:i + len(piece)] == piece for i in range(len(row) - len(piece) + 1))


def normalised(text):
    spaced = "".join(" " if c in "\t\n\v\f\r " else c.lower() if "A" <= c <= "Z" else c for c in text)
    return " ".join(part for part in spaced.split(" ") if part)


def first_copies(texts):
    """Version 1: the row that each row is a copy of: the first of its text, or itself."""
    first = {}
    for d, rows in enumerate(texts):
        for r, text in enumerate(rows):
            first.setdefault(normalised(text), (d, r))
    return {(d, r): first[normalised(text)] for d, rows in enumerate(texts) for r, text in enumerate(rows)}


def shingles(text):
    data = normalised(text).encode()
    return {int.from_bytes(data[i:i + 8], "little") for i in range(max(1, len(data) - 7))}


MASK = (1 << 64) - 1


def mix(word):
    word &= MASK
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9 & MASK
    word = (word ^ word >> 27) * 0x94d049bb133111eb & MASK
    return word ^ word >> 31


def bands(words):
    """32 bands of four minima of MinHash."""
    gamma = 0x9e3779b97f4a7c15
    hashed = [mix(word) >> 32 for word in words]
    minima = [min((mix((2 * i + 1) * gamma) >> 32 | 1) * h + (mix((2 * i + 2) * gamma) >> 32) & 0xffffffff
                  for h in hashed) for i in range(128)]
    return [mix(mix(a << 32 | b) + (c << 32 | d)) >> 32
            for a, b, c, d in (minima[4 * band:4 * band + 4] for band in range(32))]


def near_duplicates(datanets):
    """The original of each copy, over all datanets as they were registered: {(datanet, row): (datanet, row)}. Small
    enough that no bound on buckets or candidates binds."""
    originals, copies = [], {}
    for d, datanet in enumerate(datanets):
        for r, row in enumerate(datanet["rows"]):
            words = shingles(row["text"])
            keys = bands(words)
            match = next((place for place, others, theirs in originals
                          if any(a == b for a, b in zip(keys, theirs))
                          and 10 * len(words & others) >= 7 * len(words | others)), None)
            if match:
                copies[d, r] = match
            else:
                originals.append(((d, r), words, keys))
    return copies


def registered_copies(datanets, searched):
    """Version 2: the row that counts for each row of the searched datanets, and those that stand for older ones."""
    copies = near_duplicates(datanets)
    place = {d: i for i, d in enumerate(d for d, datanet in enumerate(datanets) if datanet in searched)}
    stand_ins = {}
    canonical = {}
    for d, i in place.items():
        for r in range(len(datanets[d]["rows"])):
            original = copies.get((d, r), (d, r))
            canonical[i, r] = ((place[original[0]], original[1]) if original[0] in place
                               else stand_ins.setdefault(original, (i, r)))
    return canonical, set(stand_ins.values())


def evidence(version, prompt, output, corpora, canonical, older, cost, threshold):
    """Per token: None, "echo" or a span (start, end); and each span's sources."""
    def bits(start, end):
        return sum(cost(token) for token in output[start:end])

    def rare(start, end):
        return bits(start, end) >= threshold << 16

    pieces = [(s, e) for s in range(len(output)) for e in range(s + 1, len(output) + 1)]
    owners = [None] * len(output)
    if not corpora:
        return owners, {}
    for start, end in pieces:
        if rare(start, end) and occurs(prompt, output[start:end]):
            owners[start:end] = ["echo"] * (end - start)
    free = [(s, e) for s, e in pieces if "echo" not in owners[s:e]]
    spans = {}
    for d, rows in enumerate(corpora):
        found = {(s, e) for s, e in free if any(occurs(row, output[s:e]) for row in rows)}
        for start, end in found:
            if rare(start, end) and (start - 1, end) not in found and (start, end + 1) not in found:
                spans.setdefault((start, end), set()).update(
                    canonical[d, r] for r, row in enumerate(rows) if occurs(row, output[start:end]))
    if version == 2:
        spans = originals(prompt, output, spans, older, pieces, bits, threshold)
    order = sorted(spans, key=lambda p: (p[0] - p[1], -sum(cost(t) for t in output[p[0]:p[1]]), p[0]))
    for start, end in order:
        for t in range(start, end):
            if owners[t] is None:
                owners[t] = (start, end)
    return owners, {span: sorted(sources) for span, sources in spans.items()}


def originals(prompt, output, spans, older, pieces, bits, threshold):
    """Version 2: the spans that are no excerpts, each with its oldest sources."""
    def age(source):
        return 2 * source[0] + (source not in older)

    earlier = {t for s, e in pieces for t in range(s, e)
               if 2 * bits(s, e) >= threshold << 16 and occurs(prompt, output[s:e])}
    kept = {}
    for oldest in sorted({min(map(age, sources)) for sources in spans.values()}):
        now = frozenset(earlier)
        for (start, end), sources in spans.items():
            held = len(now.intersection(range(start, end)))
            if min(map(age, sources)) == oldest and 2 * held < end - start:
                kept[start, end] = {source for source in sources if age(source) == oldest}
                earlier.update(range(start, end))
    return kept


def largest_remainder(total, weights):
    """weights: list of (key, exact weight) in the order that decides ties."""
    whole = sum(weight for _, weight in weights)
    exact = [(key, total * weight / whole) for key, weight in weights]
    parts = {key: int(share) for key, share in exact}
    left = total - sum(parts.values())
    for key, _ in sorted(exact, key=lambda item: -(item[1] - int(item[1])))[:left]:
        parts[key] += 1
    return {key: part for key, part in parts.items() if part}


def evenly(pi, payees, _, lambda_ppm):
    """Version 1: one part for each source, exact until one rounding."""
    lam = Fraction(lambda_ppm, WHOLE)
    mix = {key: (1 - lam) * weight for key, weight in pi.items() if lam < 1}
    for key in payees if lam else []:
        mix[key] = mix.get(key, 0) + lam / len(payees)
    return largest_remainder(WHOLE, sorted(mix.items()))


def replication_robust(pi, payees, cap, lambda_ppm):
    """Version 2: lambda / 2^(n-1) for each source, rounded down; the datanet's pool has the rest."""
    shares = largest_remainder(WHOLE - lambda_ppm, sorted(pi.items()))
    each = lambda_ppm // 2 ** (len(payees) - 1)
    paid = payees[:cap]
    for key, part in [(key, each) for key in paid] + [((POOL, payees[0][1], ZERO), lambda_ppm - each * len(paid))]:
        if part:
            shares[key] = shares.get(key, 0) + part
    return shares


CONTRIBUTOR, POOL, TREASURY = 0, 1, 2
NO_DATANET = 0xFFFFFFFF
ZERO = bytes(32)


def score(version, request, datanets, tokenizer, encode, rules):
    wanted = {bytes.fromhex(share["datanet"]) for a in request["adapters"] for share in a["lineage"]}
    searched = [d for d in datanets if datanet_digest(d) in wanted]
    digests = [datanet_digest(d) for d in searched]
    listed = [(d, 1) for d in digests] + [(d, 0) for d in sorted(wanted - set(digests))]
    index = {digest: i for i, (digest, _) in enumerate(listed)}
    texts = [[row["text"] for row in d["rows"]] for d in searched]
    corpora = [[encode(text) for text in rows] for rows in texts]
    canonical, older = (first_copies(texts), set()) if version == 1 else registered_copies(datanets, searched)
    cost, rarity_digest = rarity_table(corpora if version == 1 else [
        [row for r, row in enumerate(rows) if canonical[d, r] == (d, r)] for d, rows in enumerate(corpora)])
    prompt, output = request["prompt"], request["output"]
    owners, sources = evidence(version, prompt, output, corpora, canonical, older, cost, rules["rarityThresholdBits"])

    prior = {}
    for adapter in request["adapters"]:
        weight = abs(adapter["scalePpm"])
        if not adapter["lineage"] and weight:
            key = (TREASURY, NO_DATANET, ZERO)
            prior[key] = prior.get(key, 0) + weight * 10_000
        for share in adapter["lineage"]:
            place = index[bytes.fromhex(share["datanet"])]
            key = (POOL if listed[place][1] else TREASURY, place, ZERO)
            if weight:
                prior[key] = prior.get(key, 0) + weight * share["basisPoints"]
    prior = prior or {(TREASURY, NO_DATANET, ZERO): 1}
    pi = {key: Fraction(weight, sum(prior.values())) for key, weight in prior.items()}
    prior_shares = largest_remainder(WHOLE, sorted(pi.items()))

    def contributor(d, r):
        salt = bytes.fromhex(searched[d]["salt"])
        return CONTRIBUTOR, d, contributor_hash(salt, searched[d]["rows"][r]["contributor"])

    cap = rules["occurrenceCap"]
    used = sorted({owner for owner in owners if isinstance(owner, tuple)}, key=lambda p: (p[0], p[1] - p[0]))
    split = evenly if version == 1 else replication_robust
    shares = {span: split(pi, [contributor(d, r) if place < cap else (POOL, d, ZERO)
                               for place, (d, r) in enumerate(sources[span])], cap, rules["lambdaPpm"])
              for span in used}

    totals = {}
    for owner in owners or [None]:
        for key, share in (shares[owner] if isinstance(owner, tuple) else prior_shares).items():
            totals[key] = totals.get(key, 0) + share
    most = rules["contributorCapPpm"] * max(1, len(output))
    by_evidence = {key: total for key, total in totals.items() if key[0] == CONTRIBUTOR}
    whole = sum(by_evidence.values())
    for key, total in by_evidence.items():
        keeps = min(total, most) if version == 1 else total * most // whole if whole > most else total
        if keeps < total:
            pool = (POOL, key[1], ZERO)
            totals[pool] = totals.get(pool, 0) + total - keeps
            totals[key] = keeps

    targets = sorted(set(totals) | set(prior_shares) | {k for s in shares.values() for k in s})
    place_of = {key: i for i, key in enumerate(targets)}

    def distribution(values):
        return struct.pack("<I", len(values)) + b"".join(
            struct.pack("<II", place_of[key], values[key]) for key in sorted(values))

    record = domain("openlora/attribution/v1") + SCORERS[version] + tokenizer + rarity_digest
    record += struct.pack("<IIII", rules["lambdaPpm"], rules["rarityThresholdBits"], rules["occurrenceCap"],
                          rules["contributorCapPpm"])
    record += struct.pack("<I", len(listed)) + b"".join(d + bytes([flag]) for d, flag in listed)
    record += struct.pack("<I", len(targets)) + b"".join(
        bytes([kind]) + struct.pack("<I", d) + c for kind, d, c in targets)
    record += distribution(prior_shares)
    record += struct.pack("<I", len(used))
    for start, end in used:
        paid = sources[start, end][:rules["occurrenceCap"]]
        record += struct.pack("<IIQII", start, end - start, sum(cost(t) for t in output[start:end]),
                              len(sources[start, end]), len(paid))
        record += b"".join(struct.pack("<II", d, r) for d, r in paid) + distribution(shares[start, end])
    record += struct.pack("<I", len(owners)) + b"".join(
        struct.pack("<i", -1 if o is None else -2 if o == "echo" else used.index(o)) for o in owners)
    record += b"".join(struct.pack("<Q", totals.get(key, 0)) for key in targets)
    return record, listed, {key: total for key, total in totals.items()}, rarity_digest


# ---- pricing

BASE_OWNER, ADAPTER_OWNER, OPERATOR, PLATFORM, PAY_CONTRIBUTOR, DATANET_POOL, PAY_TREASURY = range(1, 8)


def price(request, listed, totals, datanets, book):
    rates = next((r for r in book["rates"]["bases"] if r["base"] == "sha256:" + request["base"]),
                 book["rates"]["default"])
    own = [next((r for r in book["rates"]["adapters"] if r["adapter"] == "sha256:" + a["digest"]), rates)
           for a in request["adapters"]] or [rates]
    prompt_rate, cached_rate, generated_rate = (
        max(r[k] for r in own) for k in ("promptPico", "cachedPico", "generatedPico"))
    cached = request["cachedTokens"]
    fixed = book["fees"]["fixedPico"]
    total = ((len(request["prompt"]) - cached) * prompt_rate + cached * cached_rate
             + len(request["output"]) * generated_rate) // 1000 + fixed
    payees, split = book["payees"], book["split"]
    treasury = payees["treasury"]
    lines = {}

    def pay(role, source, payee, amount):
        if amount:
            key = (role, source, bytes.fromhex(payee[2:]))
            lines[key] = lines.get(key, 0) + amount

    bps = Fraction(1, 10_000)
    fees = Fraction(total - fixed)
    pay(PLATFORM, ZERO, payees["platform"], fixed + fees * book["fees"]["platformBps"] * bps)
    net = fees * (1 - book["fees"]["platformBps"] * bps)
    base = bytes.fromhex(request["base"])
    owner = next((o["payee"] for o in payees["baseOwners"] if o["base"] == "sha256:" + request["base"]), None)
    pay(BASE_OWNER if owner else PAY_TREASURY, base, owner or treasury, net * split["baseOwnerBps"] * bps)
    pay(OPERATOR, ZERO, payees["operator"], net * split["operatorBps"] * bps)
    part = net * split["adapterOwnerBps"] * bps
    weights = sum(abs(a["scalePpm"]) for a in request["adapters"])
    for a in request["adapters"]:
        if weights:
            pay(ADAPTER_OWNER if a["owner"] else PAY_TREASURY, bytes.fromhex(a["digest"]), a["owner"] or treasury,
                part * abs(a["scalePpm"]) / weights)
    if not weights:
        pay(PAY_TREASURY, ZERO, treasury, part)
    part = net * split["contributorsBps"] * bps / sum(totals.values())
    people = {contributor_hash(bytes.fromhex(d["salt"]), c["id"]): c["payee"] for d in datanets
              for c in d["contributors"]}
    for (kind, d, contributor), amount in totals.items():
        datanet = ZERO if d == NO_DATANET else listed[d][0]
        if kind == CONTRIBUTOR:
            pay(PAY_CONTRIBUTOR, contributor, people[contributor], part * amount)
        elif kind == POOL:
            pay(DATANET_POOL, datanet, payees["datanetPool"], part * amount)
        else:
            pay(PAY_TREASURY, datanet, treasury, part * amount)
    amounts = largest_remainder(total, sorted(lines.items())) if total else {}
    return total, [{"role": role, "source": source.hex(), "payee": "0x" + payee.hex(), "amount": amount}
                   for (role, source, payee), amount in sorted(amounts.items())]


# ---- the vectors

def account(number):
    return "0x" + f"{number:040x}"


def name(text):
    return hashlib.sha256(text.encode()).hexdigest()


def main():
    tides = {
        "id": "tides", "version": "1", "title": "Tides", "licence": "CC0-1.0", "salt": bytes(range(32)).hex(),
        "contributors": [{"id": "ada", "name": "Ada", "payee": account(0x1001)},
                         {"id": "bo", "name": "Bø", "payee": account(0x1002)}],
        "rows": [{"contributor": "ada", "text": "the tide returns to the grey harbour at dusk"},
                 {"contributor": "bo", "prompt": "When?", "text": "the boats wait for the tide"},
                 {"contributor": "bo", "text": "a grey gull sleeps on the quay at dusk"}],
    }
    copies = {
        "id": "copies", "version": "1", "title": "Copies", "licence": "CC0-1.0", "salt": bytes(range(1, 33)).hex(),
        "contributors": [{"id": "cy", "name": "Cy", "payee": account(0x1003)}],
        "rows": [{"contributor": "cy", "text": "The  TIDE returns to the grey harbour at dusk"},
                 {"contributor": "cy", "text": "lamps burn low on the quay at dusk"}],
    }
    harbour = {
        "id": "harbour", "version": "1", "title": "Harbour", "licence": "CC0-1.0", "salt": bytes(range(2, 34)).hex(),
        "contributors": [{"id": "dag", "name": "Dag", "payee": account(0x1004)},
                         {"id": "eva", "name": "Eva", "payee": account(0x1005)}],
        "rows": [
            # A near-duplicate of the first row of all, and one of a row of this datanet.
            {"contributor": "dag", "text": "the tide returns to the grey harbour at dawn"},
            {"contributor": "dag", "text": "every keeper trims the lamp before the fog comes down upon the outer rocks"},
            {"contributor": "eva", "text": "every keeper trims the lamp before the fog comes down upon the inner rocks"},
            # An excerpt of an earlier datanet, continued, amid words of its own.
            {"contributor": "eva", "text": "at night an old pilot says a grey gull sleeps on the quay at dusk and dreams of"
                                           " herring barrels rolling in"},
            # One phrase in three rows.
            {"contributor": "dag", "text": "haul the wet ropes slowly and sing about brandy"},
            {"contributor": "eva", "text": "haul the wet ropes slowly while somebody counts barrels of salt"},
            {"contributor": "dag", "text": "once storms end we haul the wet ropes slowly"}],
    }
    datanets = [tides, copies, harbour]
    vocabulary = sorted({word for d in datanets[:2] for row in d["rows"] for word in row["text"].split()})
    # Words of the datanets that came with version 2 stand behind the word for those that are not known.
    vocabulary += ["<unknown>"] + sorted({word for row in harbour["rows"] for word in row["text"].split()}
                                         - set(vocabulary))
    ids = {word: i for i, word in enumerate(vocabulary)}

    def encode(text):
        return [ids.get(word, ids["<unknown>"]) for word in text.split()]

    digests = [datanet_digest(d).hex() for d in datanets]
    tokenizer = bytes.fromhex(name("tokenizer"))
    rules = {"lambdaPpm": 700_000, "rarityThresholdBits": 9, "occurrenceCap": 1, "contributorCapPpm": 400_000}
    book = {
        "version": 1, "name": "vectors", "effectiveFrom": "2026-01-01T00:00:00Z", "currency": "USDC",
        "rates": {"default": {"promptPico": 50_001, "cachedPico": 5_003, "generatedPico": 200_007},
                  "bases": [{"base": "sha256:" + name("base 2"), "promptPico": 9, "cachedPico": 8, "generatedPico": 7}],
                  "adapters": [{"adapter": "sha256:" + name("adapter b"), "promptPico": 60_000, "cachedPico": 1,
                                "generatedPico": 210_000}]},
        "fees": {"fixedPico": 1_001, "platformBps": 505},
        "split": {"baseOwnerBps": 1_501, "adapterOwnerBps": 1_999, "operatorBps": 2_500, "contributorsBps": 4_000},
        "payees": {"baseOwners": [{"base": "sha256:" + name("base"), "payee": account(0x2001)}],
                   "operator": account(0x2002), "platform": account(0x2003), "treasury": account(0x2004),
                   "datanetPool": account(0x2005)},
        "attribution": rules,
    }
    a = {"digest": name("adapter a"), "scalePpm": 1_000_000, "owner": account(0x3001),
         "lineage": [{"datanet": digests[0], "basisPoints": 10_000}]}
    b = {"digest": name("adapter b"), "scalePpm": -300_000, "owner": None,
         "lineage": [{"datanet": digests[1], "basisPoints": 6_667}, {"datanet": name("gone"), "basisPoints": 3_333}]}
    c = {"digest": name("adapter c"), "scalePpm": 500_000, "owner": account(0x3003), "lineage": []}
    requests = [
        ("evidence, prior and nothing", [a], "when is it", "then the tide returns to the grey mole at dusk", 1, "base"),
        ("an echo is nobody's", [a], "the boats wait for the tide", "the boats wait for the tide at dusk", 0, "base"),
        ("copies pay the first", [a, b], "say", "the tide returns to the lamps on the quay at dusk", 0, "base"),
        ("without lineage", [c], "say", "the tide returns to the grey harbour", 2 - 1, "base 3"),
        ("the bare base", [], "say it", "the tide", 0, "base 2"),
        ("cancelled before the first token", [a, b, c], "say it twice", "", 3, "base"),
    ]
    d = {"digest": name("adapter d"), "scalePpm": 1_000_000, "owner": account(0x3004),
         "lineage": [{"datanet": digests[0], "basisPoints": 4_000}, {"datanet": digests[2], "basisPoints": 6_000}]}
    e = {"digest": name("adapter e"), "scalePpm": 1_000_000, "owner": account(0x3005),
         "lineage": [{"datanet": digests[2], "basisPoints": 10_000}]}
    requests += [
        ("a near-duplicate pays its original", [d], "say", "the tide returns to the grey harbour at dawn", 0, "base"),
        ("a near-duplicate of what is not searched is older", [e], "say",
         "then the tide returns to the grey harbour at dawn", 0, "base"),
        ("an excerpt with a continuation is the earlier one's", [d], "say",
         "a grey gull sleeps on the quay at dusk and dreams", 0, "base"),
        ("a phrase of three rows", [d], "say", "haul the wet ropes slowly now", 0, "base"),
        ("an echo with gaps", [e], "lamp keeper every fog trims comes",
         "every keeper trims the lamp before the fog comes", 0, "base"),
        ("evidence beyond the cap", [d], "say",
         "haul the wet ropes slowly and sing about brandy at night an old pilot says", 0, "base"),
    ]
    cases = []
    for title, adapters, prompt, output, cached, base in requests:
        request = {"title": title, "base": name(base), "adapters": sorted(adapters, key=lambda x: x["digest"]),
                   "prompt": encode(prompt), "output": encode(output), "cachedTokens": cached}
        for version, scorer in SCORERS.items():
            record, listed, totals, rarity = score(version, request, datanets, tokenizer, encode, rules)
            total, payments = price(request, listed, totals, datanets, book)
            cases.append({**request, "scorer": scorer.hex(), "record": record.hex(),
                          "attribution": sha(record).hex(), "rarity": rarity.hex(),
                          "price": total, "payments": payments})
    salt = bytes(range(32))
    packed = struct.pack("<3I", 7, 8, 70_000)
    print(json.dumps({
        "datanets": [{**d, "digest": digest, "corpusRoot": corpus_root(bytes.fromhex(digest), tokenizer).hex(),
                      "contributorHashes": [contributor_hash(bytes.fromhex(d["salt"]), p["id"]).hex()
                                            for p in d["contributors"]]} for d, digest in zip(datanets, digests)],
        "tokenizer": tokenizer.hex(), "vocabulary": vocabulary, "scorer": SCORERS[1].hex(),
        "scorers": [scorer.hex() for scorer in SCORERS.values()],
        "log2": [[n, log2(n)] for n in (1, 2, 3, 5, 7, 10, 1000, 65_535, 65_537, 999_983)],
        "tokenHashes": {"salt": salt.hex(), "ids": [7, 8, 70_000],
                        "prompt": sha(domain("openlora/prompt/v1"), salt, lp(packed)).hex(),
                        "output": sha(domain("openlora/output/v1"), salt, lp(packed)).hex()},
        "priceBook": book, "priceBookDigest": price_book_digest(book).hex(), "requests": cases,
    }, indent=1, ensure_ascii=False))


main()
