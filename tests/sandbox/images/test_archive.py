from __future__ import annotations

import io
import tarfile

from sandbox.images.archive import write_archive


def layer(path, content: bytes):
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("hello")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


def test_equal_content_gives_the_equal_image_and_byte_for_byte_other_content_another(tmp_path):
    one = write_archive(tmp_path / "1", layer=layer(tmp_path / "a.tar", b"hello"), tag="x:1", config={"Cmd": ["sh"]})
    two = write_archive(tmp_path / "2", layer=layer(tmp_path / "b.tar", b"hello"), tag="x:1", config={"Cmd": ["sh"]})
    other = write_archive(tmp_path / "3", layer=layer(tmp_path / "c.tar", b"world"), tag="x:1", config={"Cmd": ["sh"]})
    assert one == two
    assert one != other


def test_an_engine_takes_the_archive_and_gives_it_the_same_id(tmp_path, client):
    archive = tmp_path / "image.tar"
    content = layer(tmp_path / "layer.tar", b"loaded")
    identity = write_archive(archive, layer=content, tag="ml-platform-test:archive", config={"Cmd": ["sh"]})
    with archive.open("rb") as file:
        (image,) = client.images.load(file)
    assert image.id == identity
    assert image.tags == ["ml-platform-test:archive"]
    client.images.remove("ml-platform-test:archive")
