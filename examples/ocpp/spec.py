"""Writes the spec of OCPP 1.6 from the JSON schemas in the package `ocpp`, one for each request and each answer.

    python spec.py ocpp.yaml BootNotification Heartbeat

Without names it is all of them. What they do not say is added: which end calls what, how messages look, and which
errors there are.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

SCHEMAS = Path(str(files("ocpp"))) / "v16" / "schemas"

BOTH_CALL = {"DataTransfer"}
STATIONS_CALL = {
    *"Authorize BootNotification DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat".split(),
    *"LogStatusNotification MeterValues SecurityEventNotification SignCertificate".split(),
    *"SignedFirmwareStatusNotification StartTransaction StatusNotification StopTransaction".split(),
}

REST = """
wire:
  request: [2, $id, $action, $params]
  reply: [3, $id, $result]
  reply_error: [4, $id, $code, $message, $data]
  params: {empty: send}
  result: {empty: {}}
  error:
    codes:
      not_json: FormationViolation
      not_a_message: FormationViolation
      unimplemented: NotImplemented
      invalid_argument: FormationViolation
      permission_denied: SecurityError
    default: InternalError
  connect: {subprotocol: [ocpp1.6]}
  validation: warn

errors:
  GenericError: {status: unknown, message: it did not work, details: {cause?: string}}
  NotSupported: {status: unimplemented, message: this is not known here, details: {cause?: string}}
  PropertyConstraintViolation: {status: invalid_argument, message: a value is wrong, details: {cause?: string}}

defaults:
  scope: public
  errors: [GenericError, NotSupported, PropertyConstraintViolation]

actions:
"""


def action(name: str) -> str:
    caller = "both" if name in BOTH_CALL else "client" if name in STATIONS_CALL else "server"
    return f"  {name}: {{from: {caller}, params: {name}Request, result: {name}Response}}\n"


def main(spec: str, *names: str) -> None:
    known = sorted(path.stem for path in SCHEMAS.glob("*.json") if not path.stem.endswith("Response"))
    if unknown := set(names) - set(known):
        sys.exit(f"no action is called {', '.join(sorted(unknown))}")
    kept = [name for name in known if name in names or not names]
    with TemporaryDirectory() as folder:
        for name in kept:  # what has no title is called as its file
            shutil.copyfile(SCHEMAS / f"{name}.json", Path(folder, f"{name}Request.json"))
            shutil.copyfile(SCHEMAS / f"{name}Response.json", Path(folder, f"{name}Response.json"))
        schemas = sorted(map(str, Path(folder).iterdir()))
        called = ["--name=ocpp", "--version=1.6.0", "--force", "-o", spec]
        subprocess.run(["duologue", "import", "json-schema", *schemas, *called], check=True)
    with Path(spec).open("a", encoding="utf-8") as out:
        out.write(REST + "".join(map(action, kept)))


if __name__ == "__main__":
    main(*sys.argv[1:])
