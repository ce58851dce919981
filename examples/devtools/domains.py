"""Asks a running Node.js or Chromium for the protocol that it speaks, and keeps some of its domains.

    python domains.py 9222 Page Runtime Target > protocol.json

What is kept refers to the rest in places: `duologue import` widens those to plain JSON, and says where.
"""

from __future__ import annotations

import json
import sys
from urllib.request import urlopen


def main(port: str, *names: str) -> None:
    with urlopen(f"http://127.0.0.1:{port}/json/protocol", timeout=30) as answer:
        protocol = json.load(answer)
    kept = [domain for domain in protocol["domains"] if domain["domain"] in names]
    if missing := set(names) - {domain["domain"] for domain in kept}:
        sys.exit(f"no domain is called {', '.join(sorted(missing))}")
    json.dump({**protocol, "domains": kept}, sys.stdout, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
