"""Stands where a program is looked for, and has a parent fork it: `python stub.py SOCKET PROGRAM ARGUMENT...`

Its streams, its folder and its environment are the program's. What it is told by signals it tells the program, and it
ends as that does. It imports little, for it is to start at once.
"""

import os
import signal
import socket
import sys

RELAYED = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}


def main(place: str, *argv: str) -> None:
    ignored = {number for number in RELAYED if signal.getsignal(number) is signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, RELAYED)  # until there is somebody to tell
    with socket.socket(socket.AF_UNIX) as parent:
        parent.connect(place)
        start = {"argv": list(argv), "cwd": os.getcwd(), "env": dict(os.environ), "ignored": [*map(int, ignored)]}  # noqa: PTH109 - pathlib takes long
        said = f"{start}\n".encode()
        sent = socket.send_fds(parent, [said], [0, 1, 2])
        parent.sendall(said[sent:])
        told = parent.makefile()
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
