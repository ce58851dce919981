"""What an agent remembers of its services: which are to run, so that one that is started anew goes on with them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from service_registry_sdk import ServiceEntry

from ..packages.files import DiskFiles

FILE_NAME: Final = "service.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service, and whether it is to run."""

    entry: ServiceEntry
    is_wanted: bool


def read_records(root: Path) -> list[ServiceRecord]:
    """The services below a folder; one whose record cannot be read is told of in the log, and left alone."""
    found: list[ServiceRecord] = []
    for path in sorted(root.glob(f"*/{FILE_NAME}")):
        try:
            data = json.loads(path.read_text("utf-8"))
            entry = ServiceEntry.from_wire(json.dumps(data["entry"]))
            found.append(ServiceRecord(entry, bool(data["wanted"])))
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            logger.error("%s cannot be read, and the service is left alone: %s", path, error)  # noqa: TRY400
    return found


def write_record(home: Path, record: ServiceRecord) -> None:
    """Remember it, so that it survives a power cut."""
    files, new = DiskFiles(), home / f".{FILE_NAME}.new"
    home.mkdir(parents=True, exist_ok=True)
    files.remove(new)
    text = json.dumps({"wanted": record.is_wanted, "entry": json.loads(record.entry.to_wire())})
    files.write(new, [text.encode()])
    files.rename(new, home / FILE_NAME)
    files.sync(home)


def forget_record(home: Path) -> None:
    """Remember a service no more."""
    files = DiskFiles()
    files.remove(home / FILE_NAME)
    files.sync(home)
