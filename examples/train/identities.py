"""Example payees and salts: derived from labels, so that they are the same for everybody and nobody holds a key.

An address here is the end of keccak256 of a sentence, not of a public key. Whatever is paid to it is lost.
"""

import hashlib
import re
import sys

from Crypto.Hash import keccak

LABEL = "openlora example payee: "


def keccak256(data):
    return keccak.new(digest_bits=256, data=data).digest()


def checksummed(address):
    """EIP-55: a letter is a capital where the digit of keccak256(lower-case hex) at its place is 8 or more."""
    digits = address.lower().removeprefix("0x")
    marks = keccak256(digits.encode()).hex()
    return "0x" + "".join(d.upper() if int(m, 16) >= 8 else d for d, m in zip(digits, marks))


def example_payee(label):
    return checksummed(keccak256((LABEL + label).encode())[-20:].hex())


def example_salt(datanet):
    return hashlib.sha256(f"openlora example salt: {datanet}".encode()).hexdigest()


def require_payee(payee, where):
    if not isinstance(payee, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", payee) or checksummed(payee) != payee:
        raise SystemExit(f"{where}: {payee!r} is not an EIP-55 address")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(f"{argument}: {example_payee(argument)}")
