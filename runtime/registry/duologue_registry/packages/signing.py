"""Ed25519 signatures of packages: made over what names the package and fixes its bytes, and checked by policy."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from service_registry_sdk import SignatureRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EXTRA: Final = "pip install 'duologue-registry[signatures]'"
_LABEL: Final = "duologue-ed25519-"


class KeysError(Exception):
    """Keys that cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a signature is for: no other name, version or contents can be put in its place."""

    name: str
    version: str
    size: int
    sha256: str

    def message(self) -> bytes:
        """The bytes that are signed."""
        return f"duologue-package-v1\n{self.name}\n{self.version}\n{self.size}\n{self.sha256}\n".encode()


def is_key_name(name: str) -> bool:
    """Whether a line of trusted keys can begin with it, and be shown."""
    return _words(name) == [name] and name.isprintable()


def new_key(path: Path) -> str:
    """Write a new private key, which only its owner can read; returns the public one.

    Raises:
        KeysError: There is a file of that name, or it cannot be written; or the extra is not installed.
    """
    private = _ed25519().Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeysError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{_LABEL}private {_text(private.private_bytes_raw())}\n")
    return _text(private.public_key().public_bytes_raw())


def sign(path: Path, subject: Subject) -> bytes:
    """Sign with the private key in a file.

    Raises:
        KeysError: It holds none.
    """
    try:
        label, text = path.read_text("ascii").split()
        raw = base64.b64decode(text, validate=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds something else"
        raise KeysError(f"{path} is no private key ({why}): make one with `package keygen`") from None
    if label != f"{_LABEL}private" or len(raw) != 32:
        raise KeysError(f"{path} is no private key: make one with `package keygen`")
    signature: bytes = _ed25519().Ed25519PrivateKey.from_private_bytes(raw).sign(subject.message())
    return signature


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """Whose signatures are good, and whether one is needed.

    Attributes:
        keys: Public keys by the names of those who hold them; none: signatures are kept, and not looked at.
    """

    keys: Mapping[str, Ed25519PublicKey]
    is_needed: bool

    @classmethod
    def read(cls, path: Path | None, *, allow_unsigned: bool = False) -> SignaturePolicy:
        """The policy of a file with a line `NAME PUBLIC-KEY` for each trusted key; without one, none is trusted.

        Raises:
            KeysError: It cannot be read, or names no key.
        """
        if path is None:
            return cls({}, is_needed=False)
        try:
            lines = [_words(line) for line in path.read_text("utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise KeysError(f"{path} cannot be read: {error}") from None
        keys: dict[str, Ed25519PublicKey] = {}
        for number, words in enumerate(lines, 1):
            if not words:
                continue
            if len(words) != 2 or words[0] in keys:
                raise KeysError(f"{path}:{number}: a line holds a name, which no other has, and a public key")
            keys[words[0]] = _public(words[1], f"{path}:{number}")
        if not keys:
            raise KeysError(f"{path} names no key, and so nobody could upload: add a line NAME PUBLIC-KEY")
        return cls(keys, is_needed=not allow_unsigned)

    def check(self, subject: Subject, signature: bytes | None) -> str | None:
        """Whose signature it is; None where there is none, and none is needed, or no key is known.

        Raises:
            SignatureRefused: It is missing, or of nobody who is trusted.
        """
        if not self.keys:
            return None
        if signature is None:
            if self.is_needed:
                raise SignatureRefused(reason="there is none; sign with `package upload --sign KEY`")
            return None
        for name, key in self.keys.items():
            if _fits(key, signature, subject):
                return name
        raise SignatureRefused(
            reason=f"no trusted key has made it for {subject.name} {subject.version} with these contents; trusted are"
            f" {', '.join(self.keys)}"
        )


def _words(line: str) -> list[str]:
    return line.partition("#")[0].split()


def _fits(key: Ed25519PublicKey, signature: bytes, subject: Subject) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, subject.message())
    except InvalidSignature:
        return False
    return True


def _public(text: str, where: str) -> Ed25519PublicKey:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise KeysError(f"{where}: {text!r} is no public key: `package keygen` prints one")
    key: Ed25519PublicKey = _ed25519().Ed25519PublicKey.from_public_bytes(raw)
    return key


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _ed25519() -> ModuleType:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise KeysError(f"signatures need the package `cryptography`: {EXTRA}") from None
    return ed25519
