"""A real server that speaks nothing but TLS, and wants a certificate of its clients."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.helpers.waiting import eventually


@dataclass(frozen=True)
class Papers:
    """Files of certificates in *folder*, all of one authority but those of a stranger."""

    folder: Path
    issuer: trustme.CA

    @classmethod
    def made_in(cls, folder: Path) -> Papers:
        """Make an authority, and one of a stranger."""
        folder.mkdir(exist_ok=True)
        issuer = trustme.CA()
        issuer.cert_pem.write_to_path(folder / "ca.pem")
        trustme.CA().cert_pem.write_to_path(folder / "stranger.pem")
        return cls(folder, issuer)

    def issue(self, name: str, host: str = "localhost", *, days: float = 1) -> tuple[Path, Path]:
        """Write the certificate *name* and its key; return where."""
        ends = datetime.now(UTC) + timedelta(days=days)
        made = self.issuer.issue_cert(host, not_before=ends - timedelta(days=9), not_after=ends)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        made.private_key_pem.write_to_path(key)
        certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        return certificate, key


@contextmanager
def speaking_tls(papers: Papers, certificate: tuple[Path, Path], *options: str) -> Iterator[int]:
    """Run a server that has *certificate*; give its port. Skips where there is none with TLS."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    linked = subprocess.run(["ldd", binary or ""], capture_output=True, text=True, check=False)
    if binary is None or "libssl" not in linked.stdout:
        pytest.skip("no redis-server with TLS on the PATH")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    files = ("--tls-cert-file", certificate[0], "--tls-key-file", certificate[1])
    trusts = ("--tls-ca-cert-file", papers.folder / "ca.pem", "--dir", papers.folder)
    process = subprocess.Popen(
        [
            *(binary, "--port", "0", "--tls-port", str(port), "--save", ""),
            *files,
            *trusts,
            *options,
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _listens(port), 20, message="the server listens")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
