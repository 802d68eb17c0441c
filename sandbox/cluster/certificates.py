"""Certificate authorities of a cluster's own, and what they sign."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.cluster.files import write_private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Authority", "Pair", "service_account_keys"]

# A sandbox lives for days; a year leaves it running over any holiday, and what is near its end is issued anew at start.
LIFETIME = dt.timedelta(days=365)
RENEWAL = dt.timedelta(days=30)
# Clocks of a virtual machine and its host differ by minutes.
SKEW = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority kept in a directory; made at first use, the same one ever after."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.pair = Pair(directory / f"{name}.crt", directory / f"{name}.key")
        existing = _load(self.pair)
        if existing is not None:
            self._certificate, self._key = existing
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ml-platform sandbox {name}")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        self._certificate = (
            _builder(subject, subject, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        _save(self.pair, self._certificate, self._key)

    def issue(self, name: str, common_name: str, *, organization: str | None = None, hosts: Sequence[str] = ()) -> Pair:
        """Return a certificate for clients, and for servers too when it has `hosts` (names or addresses).

        One that exists is used again when it still is what is asked for: same authority, subject and hosts, and not
        near its end.
        """
        pair = Pair(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organization is not None:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        subject = x509.Name(attributes)
        existing = _load(pair)
        if existing is not None and self._suits(existing[0], subject, hosts):
            return pair
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = _builder(subject, self._certificate.subject, key.public_key())
        if hosts:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False
            )
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        _save(pair, certificate, key)
        return pair

    def _suits(self, certificate: x509.Certificate, subject: x509.Name, hosts: Sequence[str]) -> bool:
        try:
            certificate.verify_directly_issued_by(self._certificate)
            present = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = set(present)
        except (InvalidSignature, ValueError):
            return False
        except x509.ExtensionNotFound:
            names = set()
        near_end = certificate.not_valid_after_utc - RENEWAL < dt.datetime.now(dt.UTC)
        return not near_end and certificate.subject == subject and names == {_general_name(host) for host in hosts}


def service_account_keys(directory: Path) -> Pair:
    """Return the key pair that signs service account tokens; the first member is the public key."""
    pair = Pair(directory / "service-accounts.pub", directory / "service-accounts.key")
    if not (pair.certificate.exists() and pair.key.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(pair.key, _private_bytes(key))
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        pair.certificate.write_bytes(public)
    return pair


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + LIFETIME)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load(pair: Pair) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        key = serialization.load_pem_private_key(pair.key.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    # The two files are written one after the other: a start killed in between leaves a pair that does not match.
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    if certificate.not_valid_after_utc < dt.datetime.now(dt.UTC):
        return None
    return certificate, key


def _save(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_private(pair.key, _private_bytes(key))
    write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))
