#!/usr/bin/env python3
"""Opens and seals the file of an OpenEMR document by the steps OpenEMR facts 4 gives, with a library that never saw ours.

    python document.py < asked.jsonl > told.jsonl

A line of input has `keys` (the rows `sixa` and `sixb` of the table `keys`, as they stand there) and either `file`, what lies on
the disk, or `plain`, bytes as base64. A line of output has the other one, and for `file` also the SHA3-512 of the plain bytes.
"""

import base64
import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERSION = "006"
MAC = 48
IV = 16


def keys_of(asked):
    return [base64.b64decode(asked["keys"][name]) for name in ("sixa", "sixb")]


def opened(text, encryption, authentication):
    """Version in three digits, then base64 of HMAC-SHA384 over what follows, IV, AES-256-CBC with PKCS 7."""
    assert text[:3] == VERSION, f"version {text[:3]}"
    raw = base64.b64decode(text[3:], validate=True)
    mac, rest = raw[:MAC], raw[MAC:]
    assert hmac.compare_digest(mac, hmac.new(authentication, rest, hashlib.sha384).digest()), "the HMAC is another"
    decryptor = Cipher(algorithms.AES256(encryption), modes.CBC(rest[:IV])).decryptor()
    padded = decryptor.update(rest[IV:]) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def sealed(plain, encryption, authentication):
    padder = padding.PKCS7(128).padder()
    iv = os.urandom(IV)
    encryptor = Cipher(algorithms.AES256(encryption), modes.CBC(iv)).encryptor()
    rest = iv + encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    mac = hmac.new(authentication, rest, hashlib.sha384).digest()
    return VERSION + base64.b64encode(mac + rest).decode()


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        keys = keys_of(asked)
        if "file" in asked:
            plain = opened(asked["file"], *keys)
            told = {"plain": base64.b64encode(plain).decode(), "hash": hashlib.sha3_512(plain).hexdigest()}
        else:
            told = {"file": sealed(base64.b64decode(asked["plain"]), *keys)}
        print(json.dumps(told))


if __name__ == "__main__":
    main()
