#!/usr/bin/env python3
"""How long a recorder keeps a packet: from its sending to where a reader can have it.

usage: latency.py PATH COUNT INTERVAL_S

PATH is a pipe that a recorder writes to, or a directory whose *.pcapng files it writes: their bytes are
looked at as they come.  Sends COUNT numbered datagrams over lo and prints for each the
milliseconds until it is there.  A packet that never comes ends it with 1."""
import glob
import os
import socket
import sys
import time

LOOK_S = 0.001
MOST_S = 10
MARK = b'weir-latency-%08d.'


class Pipe:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self):
        try:
            return os.read(self.fd, 1 << 20)
        except BlockingIOError:
            return b''


class Store:
    """The newest segment, from where it was read to."""

    def __init__(self, path):
        self.path, self.at = path, {}

    def read(self):
        found = b''
        for name in sorted(glob.glob(os.path.join(self.path, '*.pcapng'))):
            with open(name, 'rb') as f:
                f.seek(self.at.get(name, 0))
                more = f.read()
            self.at[name] = self.at.get(name, 0) + len(more)
            found += more
        return found


def wait_for(source, mark, before):
    """Seconds until the mark is there, and what was read behind it."""
    start, text = time.monotonic(), before
    while mark not in text:
        if time.monotonic() - start > MOST_S:
            raise TimeoutError(f'{mark!r} is not there after {MOST_S} s')
        time.sleep(LOOK_S)
        text = text[-len(mark):] + source.read()
    return time.monotonic() - start, text


def main(path, count, interval):
    source = Store(path) if os.path.isdir(path) else Pipe(path)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(('127.0.0.1', 0))
    text = b''
    for n in range(count):
        # Not in step with any clock of the recorder's.
        time.sleep(interval * (0.75 + 0.5 * (n * 7 % 11) / 11))
        out.sendto(MARK % n, listener.getsockname())
        took, text = wait_for(source, MARK % n, text)
        print(f'{took * 1000:.1f}')


if __name__ == '__main__':
    try:
        main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    except TimeoutError as e:
        sys.exit(str(e))
