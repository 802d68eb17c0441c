from __future__ import annotations

import stat

from cryptography import x509

from sandbox.cluster.certificates import Authority, service_account_keys


def test_an_authority_is_the_same_at_every_start(tmp_path):
    first = Authority(tmp_path, "ca").pair.certificate.read_bytes()
    assert Authority(tmp_path, "ca").pair.certificate.read_bytes() == first


def test_a_certificate_is_kept_while_it_is_what_is_asked_for(tmp_path):
    authority = Authority(tmp_path, "ca")
    first = authority.issue("server", "server", hosts=["localhost", "127.0.0.1"]).certificate.read_bytes()
    again = authority.issue("server", "server", hosts=["127.0.0.1", "localhost"]).certificate.read_bytes()
    assert again == first


def test_a_certificate_is_issued_anew_for_other_hosts(tmp_path):
    authority = Authority(tmp_path, "ca")
    first = authority.issue("server", "server", hosts=["127.0.0.1"]).certificate.read_bytes()
    pair = authority.issue("server", "server", hosts=["127.0.0.2"])
    assert pair.certificate.read_bytes() != first
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.2"]


def test_a_certificate_of_another_authority_is_not_kept(tmp_path):
    first = Authority(tmp_path, "ca").issue("user", "user").certificate.read_bytes()
    (tmp_path / "ca.crt").unlink()
    assert Authority(tmp_path, "ca").issue("user", "user").certificate.read_bytes() != first


def test_a_pair_torn_by_a_killed_start_is_made_again(tmp_path):
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("user", "user")
    other = authority.issue("other", "other")
    pair.key.write_bytes(other.key.read_bytes())
    mended = authority.issue("user", "user")
    assert mended.key.read_bytes() != other.key.read_bytes()
    pair.certificate.write_text("")
    assert b"BEGIN CERTIFICATE" in authority.issue("user", "user").certificate.read_bytes()


def test_keys_are_for_their_owner_only(tmp_path):
    authority = Authority(tmp_path, "ca")
    keys = [authority.pair.key, authority.issue("user", "user").key, service_account_keys(tmp_path).key]
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600] * 3
