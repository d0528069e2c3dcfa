"""An object store on this machine that answers as much of S3 and of Google's Cloud Storage as reading takes: pyarrow's
own clients ask it over HTTP. Written after the two services' references (ListObjectsV2, GetObject; objects.list, .get).

    python object_store.py FOLDER    says at which port it answers with what lies in FOLDER/BUCKET/
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 3  # names of an answer: who wants more has to ask again
WHEN = "2026-01-01T00:00:00.000Z"
REFUSED = "refused"  # what is called so is not given by S3


@contextmanager
def store(folder: Path) -> Iterator[None]:
    """It answers meanwhile, in a process of its own, since pyarrow's clients keep others of this one waiting; this
    process and those that it begins find it."""
    served = subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{int(served.stdout.readline())}"
    found = {"AWS_ENDPOINT_URL": address, "CLOUD_STORAGE_EMULATOR_ENDPOINT": address}
    found |= dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "any")  # S3's client wants to have some
    kept = {name: os.environ.get(name) for name in found}
    os.environ.update(found)
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        served.kill()
        served.wait()


class _Store(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.folder = folder

    def data(self, bucket: str, name: str) -> bytes | None:
        path = self.folder / bucket / name
        return path.read_bytes() if path.is_file() else None

    def page(self, bucket: str, prefix: str, delimiter: str, after: str) -> tuple[list[str], list[str], str]:
        """The names, and what is before the delimiter of longer ones, that begin so; and behind what the next page is,
        "" after the last one."""
        found: dict[str, bool] = {}
        root = self.folder / bucket
        for name in sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()):
            if name.startswith(prefix):
                inner, found_one, _ = name.removeprefix(prefix).partition(delimiter or "\0")
                found[prefix + inner + delimiter if found_one else name] = bool(found_one)
        rest = [each for each in found if each > after]
        shown = rest[:PAGE]
        names = [each for each in shown if not found[each]]
        return names, [each for each in shown if found[each]], shown[-1] if len(rest) > PAGE else ""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Store

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if parts.path.startswith("/storage/v1/b/"):
            bucket, _, name = parts.path.removeprefix("/storage/v1/b/").partition("/o")
            self._google(bucket, unquote(name.removeprefix("/")), asked)
            return
        bucket, _, name = unquote(parts.path).removeprefix("/").partition("/")
        if REFUSED in parts.path:
            told = "<Error><Code>AccessDenied</Code><Message>Not for you.</Message></Error>"
            self._send(403, told.encode(), "application/xml")
        elif name:
            self._object(bucket, name)
        else:
            self._s3_page(bucket, asked)

    def _google(self, bucket: str, name: str, asked: dict[str, str]) -> None:
        if name and asked.get("alt") == "media":
            self._object(bucket, name)
        elif name:
            there = self.server.data(bucket, name) is not None
            self._json(self._about(bucket, name) if there else {}, 200 if there else 404)
        else:
            after = base64.urlsafe_b64decode(asked.get("pageToken", "")).decode()
            names, folders, more = self.server.page(bucket, asked["prefix"], asked.get("delimiter", ""), after)
            told = {"items": [self._about(bucket, each) for each in names], "prefixes": folders}
            token = {"nextPageToken": base64.urlsafe_b64encode(more.encode()).decode()} if more else {}
            self._json(told | token)

    def _about(self, bucket: str, name: str) -> dict[str, str]:
        size = str(len(self.server.data(bucket, name)))
        stamps = dict.fromkeys(("timeCreated", "updated"), WHEN)
        return {"bucket": bucket, "name": name, "size": size, "generation": "1", **stamps}

    def _s3_page(self, bucket: str, asked: dict[str, str]) -> None:
        after = asked.get("continuation-token", "")
        names, folders, more = self.server.page(bucket, asked.get("prefix", ""), asked.get("delimiter", ""), after)
        sizes = {each: len(self.server.data(bucket, each)) for each in names}
        told = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{size}</Size><LastModified>{WHEN}</LastModified></Contents>"
            for name, size in sizes.items()
        )
        told += "".join(f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in folders)
        told += f"<KeyCount>{len(names) + len(folders)}</KeyCount><IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        told += f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
        self._send(200, f"<ListBucketResult><Name>{bucket}</Name>{told}</ListBucketResult>".encode(), "application/xml")

    def _object(self, bucket: str, name: str) -> None:
        data = self.server.data(bucket, name)
        if data is None:
            self._send(404, b"", "application/xml")
        elif wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data)), len(data) - 1)
            kept = {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
            self._send(206, data[start : end + 1], "application/octet-stream", kept)
        else:
            self._send(200, data, "application/octet-stream")

    def _json(self, told: dict[str, object], status: int = 200) -> None:
        self._send(status, json.dumps(told).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        told = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        }
        for name, value in (told | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


if __name__ == "__main__":
    with _Store(Path(sys.argv[1])) as serving:
        print(serving.server_port, flush=True)
        serving.serve_forever()
