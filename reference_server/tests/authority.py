"""A private authority, and the certificates that it issues to servers and clients of tests."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_NOW = datetime.now(UTC)


@attrs.frozen
class Issued:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


@attrs.define(slots=False)
class Authority:
    """Issues certificates, which no system knows."""

    folder: Path
    _key: ec.EllipticCurvePrivateKey = attrs.field(
        factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @cached_property
    def certificate(self) -> str:
        """Its own certificate, as PEM."""
        return _pem(self._signed("authority", self._key.public_key(), is_authority=True))

    def issue(self, name: str) -> Issued:
        """Issue a certificate for a host or a person."""
        key = ec.generate_private_key(ec.SECP256R1())
        return Issued(
            _pem(self._signed(name, key.public_key(), is_authority=False)),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
        )

    def server(self, name: str, *, asks_for_certificate: bool = False) -> ssl.SSLContext:
        """What a server of this name shows; it may ask clients for a certificate of ours."""
        issued, file = self.issue(name), self.folder / f"{name}.pem"
        file.write_text(issued.key + issued.certificate)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        if asks_for_certificate:
            context.load_verify_locations(cadata=self.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def trusted(self) -> ssl.SSLContext:
        """What a client asks that trusts this authority only."""
        return ssl.create_default_context(cadata=self.certificate)

    def _signed(
        self, name: str, key: ec.EllipticCurvePublicKey, *, is_authority: bool
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named("authority"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW - timedelta(days=1))
            .not_valid_after(_NOW + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            # Python 3.13 accepts only what RFC 5280 asks of a certificate.
            .add_extension(_usage(is_authority=is_authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        return builder.sign(self._key, hashes.SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
