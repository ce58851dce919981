"""A shop: answers /version and /healthz on a free port of this machine, which it writes beside its versions.

python3 bin/shop.py                  serves
python3 bin/shop.py --ask /healthz   asks the one that serves; exits with 2 when it is not well
"""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

HERE = Path(__file__).resolve().parents[1]
PORT = HERE.parent / "port"
SHELF = HERE / "config" / "shelf"
"""Where its goods are: without it the shop is open, and sells nothing."""


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/version":
            found = re.search(r"^version: (\S+)", (HERE / "manifest.yaml").read_text(), re.MULTILINE)
            self._answer(200, found[1] if found else "unknown")
        elif SHELF.exists():
            self._answer(200, "well")
        else:
            self._answer(500, "the shelf is missing")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


def serve() -> None:
    server = HTTPServer(("127.0.0.1", 0), Shop)
    new = PORT.with_name(".port.new")
    new.write_text(str(server.server_port))
    new.replace(PORT)
    server.serve_forever()


def ask(path: str) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{PORT.read_text()}{path}", timeout=4) as answer:
            print(answer.read().decode())
    except HTTPError as error:
        print(error.read().decode())
        return 2
    except OSError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(ask(sys.argv[2]) if sys.argv[1:2] == ["--ask"] else serve())
