"""One comment, found again by its marker: written once, then updated, beside everybody else's."""

from __future__ import annotations

import http.server
import json
import re
import threading

import pytest

from review.comment import MARKER, CommentError, main, post


class Host(http.server.ThreadingHTTPServer):
    """As much of a code host's interface as a comment needs, with comments in pages."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments = []
        self.asked = []
        self.refuses = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, body, kind="Bot"):
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"type": kind}, "html_url": "u"})
        return self.comments[-1]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = int(re.search(r"[?&]page=(\d+)", self.path)[1])
        size = int(re.search(r"per_page=(\d+)", self.path)[1])
        self.answer(self.server.comments[(page - 1) * size : page * size])

    def do_POST(self):
        self.answer(self.server.add(self.read()["body"]))

    def do_PATCH(self):
        [comment] = [one for one in self.server.comments if one["id"] == int(self.path.rpartition("/")[2])]
        comment["body"] = self.read()["body"]
        self.answer(comment)

    def read(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, value):
        self.server.asked.append((self.command, self.path.partition("?")[0], self.headers["Authorization"]))
        self.send_response(403 if self.server.refuses else 200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def host():
    host = Host()
    thread = threading.Thread(target=host.serve_forever, daemon=True)
    thread.start()
    yield host
    host.shutdown()
    host.server_close()


def put(host, body):
    return post(body, api=host.url, token="t", repository="o/r", number=12)


def test_it_is_written_once_and_then_updated_however_many_comments_stand_before_it(host):
    for number in range(130):
        host.add(f"a person's {number}", kind="User")
    put(host, f"{MARKER}\nfirst")
    put(host, f"{MARKER}\nsecond")
    assert [one["body"] for one in host.comments[130:]] == [f"{MARKER}\nsecond"]
    assert host.asked[-1] == ("PATCH", "/repos/o/r/issues/comments/131", "Bearer t")


def test_a_persons_comment_that_quotes_it_is_left_alone(host):
    host.add(f"{MARKER}\nsee above", kind="User")
    host.add(f"> {MARKER}")
    put(host, "first")
    assert [one["body"] for one in host.comments[2:]] == [f"{MARKER}\nfirst"]


def test_several_files_become_one_comment_with_one_marker(host, tmp_path, monkeypatch):
    names = [tmp_path / "a.md", tmp_path / "b.md"]
    for name in names:
        name.write_text(f"{MARKER}\n\n{name.stem}\n")
    values = {"API_URL": host.url, "TOKEN": "t", "REPOSITORY": "o/r"}
    for key, value in values.items():
        monkeypatch.setenv(f"GITHUB_{key}", value)
    monkeypatch.setenv("PULL_REQUEST", "12")
    assert main([str(name) for name in names]) == 0
    assert [one["body"] for one in host.comments] == [f"{MARKER}\n\na\n\nb\n"]


def test_a_refusal_is_told_in_the_hosts_words(host):
    host.refuses = True
    with pytest.raises(CommentError, match="403"):
        put(host, "x")


def test_outside_of_a_workflow_it_says_what_is_missing(monkeypatch, capsys, tmp_path):
    for name in ("GITHUB_API_URL", "GITHUB_TOKEN", "PULL_REQUEST"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 2
    assert "GITHUB_API_URL" in capsys.readouterr().err
