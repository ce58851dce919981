"""Stands where a program is looked for, and has a parent fork it: `python stub.py SOCKET PROGRAM ARGUMENT...`

Its streams, its folder and its environment are the program's. What it is told by signals it tells the program, and it
ends as that does. It imports little, for it is to start at once: `socket` and `signal` take longer to make enumerations
of their numbers than all that is done here.
"""

import _socket as socket
import os
import sys

TYPE_CHECKING = False  # as checkers know it; `typing` takes long, too
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

RELAYED = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
STREAMS = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))


def main(place: str, *argv: str) -> None:
    ignored = {number for number in RELAYED if signal.getsignal(number) == signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, RELAYED)  # until there is somebody to tell
    parent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    parent.connect(place)
    start = {"argv": list(argv), "cwd": os.getcwd(), "env": dict(os.environ), "ignored": [*ignored]}  # noqa: PTH109 - pathlib takes long
    said = f"{start}\n".encode()
    sent = parent.sendmsg([said], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, STREAMS)])
    if rest := said[sent:]:  # to send nothing fails, too, once the program has come to its end
        parent.sendall(rest)
    with open(parent.fileno(), "rb") as told:  # noqa: PTH123 - it has no path
        pid = int(told.readline())
        for number in RELAYED - ignored:
            signal.signal(number, lambda number, _: os.kill(pid, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, RELAYED)
        code = int(told.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
