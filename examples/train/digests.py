"""Computes every digest of the bundled model and the examples, writes adapter.yaml and examples/digests.json.

With --check nothing is written: it ends with an error if a file would have changed. The formats are those of
docs/formats.md; lp(b) is the 8-byte little-endian length of b followed by b.
"""

import hashlib
import json
import struct
import sys

import rfc8785
import yaml

from common import ADAPTERS, DATANETS, EXAMPLES, MODEL, read_rows, read_yaml, write_text
from identities import example_payee, require_payee

DIGESTS = EXAMPLES / "digests.json"


def lp(data):
    return struct.pack("<Q", len(data)) + data


def text_form(digest):
    return "sha256:" + digest.hex()


def raw_form(text):
    return bytes.fromhex(text.removeprefix("sha256:"))


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def stored_tensors(path):
    """(name, dtype, shape, raw bytes) of each tensor of a safetensors file, by its header alone."""
    data = path.read_bytes()
    size, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        yield name, entry["dtype"], entry["shape"], data[8 + size + begin:8 + size + end]


def content_digest(domain, config, tensors):
    ordered = sorted(tensors, key=lambda tensor: tensor[0].encode())
    digest = hashlib.sha256(lp(domain.encode()) + lp(rfc8785.dumps(config)) + struct.pack("<Q", len(ordered)))
    for name, dtype, shape, raw in ordered:
        digest.update(lp(name.encode()) + lp(dtype.encode()) + lp(b"".join(struct.pack("<Q", d) for d in shape)))
        digest.update(lp(raw))
    return text_form(digest.digest())


def base_config():
    config = read_json(MODEL / "config.json")
    if config["architectures"] != ["LlamaForCausalLM"] or config["rope_scaling"] is not None:
        raise SystemExit("config.json is not that of a plain Llama model")
    return {
        "architecture": "llama",
        "attention_bias": config["attention_bias"],
        "context_length": config["max_position_embeddings"],
        "head_dim": config["head_dim"],
        "heads": config["num_attention_heads"],
        "hidden_act": config["hidden_act"],
        "hidden_size": config["hidden_size"],
        "intermediate_size": config["intermediate_size"],
        "kv_heads": config["num_key_value_heads"],
        "layers": config["num_hidden_layers"],
        "rms_norm_eps": config["rms_norm_eps"],
        "rope_scaling": None,
        "rope_theta": config["rope_theta"],
        "sliding_window": None,
        "tied_embeddings": config["tie_word_embeddings"],
        "vocab_size": config["vocab_size"],
    }


def adapter_config(folder):
    config = read_json(folder / "adapter_config.json")
    layers = config.get("layers_to_transform")
    targets = config["target_modules"]
    return {
        "alpha_pattern": [[key, value] for key, value in (config.get("alpha_pattern") or {}).items()],
        "layers_pattern": config.get("layers_pattern"),
        "layers_to_transform": None if layers is None else sorted([layers] if isinstance(layers, int) else layers),
        "lora_alpha": config["lora_alpha"],
        "r": config["r"],
        "rank_pattern": [[key, value] for key, value in (config.get("rank_pattern") or {}).items()],
        "target_modules": targets if isinstance(targets, str) else sorted(targets),
        "use_dora": bool(config.get("use_dora")),
        "use_rslora": bool(config.get("use_rslora")),
    }


def tokenizer_digest():
    tokenizer = read_json(MODEL / "tokenizer.json")
    return text_form(hashlib.sha256(lp(b"openlora/tokenizer/v1") + lp(rfc8785.dumps(tokenizer))).digest())


def chat_template_digest():
    template = read_json(MODEL / "tokenizer_config.json")["chat_template"]
    return text_form(hashlib.sha256(lp(b"openlora/chat-template/v1") + lp(template.encode())).digest())


def contributor_hash(salt, contributor):
    return hashlib.sha256(lp(b"openlora/contributor/v1") + lp(salt) + lp(contributor.encode())).hexdigest()


def datanet_digests(name, tokenizer):
    description = read_yaml(DATANETS / name / "datanet.yaml")
    if description["id"] != name:
        raise SystemExit(f"datanet {name}: its id is {description['id']!r}")
    salt = bytes.fromhex(description["salt"])
    hashes = {}
    for contributor in description["contributors"]:
        require_payee(contributor["payee"], f"datanet {name}, contributor {contributor['id']}")
        hashes[contributor["id"]] = contributor_hash(salt, contributor["id"])
    digest = hashlib.sha256(lp(b"openlora/datanet/v1"))
    rows = read_rows(name)
    for number, row in enumerate(rows, 1):
        if row["contributor"] not in hashes:
            raise SystemExit(f"datanet {name}, row {number}: no contributor {row['contributor']!r}")
        digest.update(rfc8785.dumps({**row, "contributor": hashes[row["contributor"]]}) + b"\n")
    root = hashlib.sha256(lp(b"openlora/corpus/v1") + digest.digest() + raw_form(tokenizer))
    return {"digest": text_form(digest.digest()), "corpusRoot": text_form(root.digest()), "rows": len(rows),
            "contributors": hashes}


def manifest_of(name, recipe, base, datanets):
    if sum(recipe["mix"].values()) != 10000:
        raise SystemExit(f"adapter {name}: the shares of its mix do not sum to 10000 basis points")
    return {
        "version": 1,
        "name": name,
        "description": recipe["description"],
        "licence": recipe["licence"],
        "owner": {"name": recipe["owner"], "payee": example_payee(f"owner/{name}")},
        "base": [base],
        "lineage": [{"datanet": datanets[net]["digest"], "basisPoints": share}
                    for net, share in recipe["mix"].items()],
    }


def manifest_digest(manifest):
    return text_form(hashlib.sha256(lp(b"openlora/manifest/v1") + lp(rfc8785.dumps(manifest))).digest())


def main(arguments):
    if arguments not in ([], ["--check"]):
        raise SystemExit(f"unknown arguments {arguments}; only --check is allowed")
    tokenizer = tokenizer_digest()
    base = content_digest("openlora/base/v1", base_config(), stored_tensors(MODEL / "model.safetensors"))
    names = sorted(path.parent.name for path in DATANETS.glob("*/datanet.yaml"))
    datanets = {name: datanet_digests(name, tokenizer) for name in names}
    files, adapters = {}, {}
    for name, recipe in read_yaml(EXAMPLES / "train" / "adapters.yaml").items():
        manifest = manifest_of(name, recipe, base, datanets)
        folder = ADAPTERS / name
        files[folder / "adapter.yaml"] = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=110)
        adapters[name] = {
            "digest": content_digest("openlora/adapter/v1", adapter_config(folder),
                                     stored_tensors(folder / "adapter_model.safetensors")),
            "manifest": manifest_digest(manifest),
        }
    files[DIGESTS] = json.dumps({
        "base": base, "tokenizer": tokenizer, "chatTemplate": chat_template_digest(), "datanets": datanets,
        "adapters": adapters}, indent=2) + "\n"
    for path, text in files.items():
        if not arguments:
            write_text(path, text)
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            raise SystemExit(f"{path.relative_to(EXAMPLES)} does not say what the files beside it say")
    print(files[DIGESTS], end="")


if __name__ == "__main__":
    main(sys.argv[1:])
