#!/usr/bin/env python3
"""Real flows whose progress is watched, for tests of what a recorder does to traffic.

flows.py server ADDRESS            TCP: swallows, and tells how much it has; UDP: echoes
flows.py client ADDRESS [SECONDS]  TCP bulk and UDP, until SIGTERM or SECONDS have passed; prints
    {"tcp_gap_ms": longest time without progress, "udp_gap_ms": ..., "tcp_bytes": ..., "udp": replies}
"""
import json
import selectors
import signal
import socket
import sys
import time

PORT = 7100


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def server(address):
    """Prints "ready" once both sockets listen."""
    tcp = socket.create_server((address, PORT), family=family(address))
    udp = socket.socket(family(address), socket.SOCK_DGRAM)
    udp.bind((address, PORT))
    selector = selectors.DefaultSelector()
    selector.register(tcp, selectors.EVENT_READ, "listen")
    selector.register(udp, selectors.EVENT_READ, "udp")
    print("ready", flush=True)
    counts = {}
    while True:
        for key, _ in selector.select():
            if key.data == "listen":
                connection, _ = tcp.accept()
                selector.register(connection, selectors.EVENT_READ, "tcp")
                counts[connection] = 0
            elif key.data == "udp":
                data, who = udp.recvfrom(2048)
                udp.sendto(data, who)
            else:
                swallow(selector, key.fileobj, counts)


def swallow(selector, connection, counts):
    try:
        data = connection.recv(1 << 16)
        counts[connection] += len(data)
        if data:
            connection.send(counts[connection].to_bytes(8, "big"))
            return
    except OSError:
        pass
    selector.unregister(connection)
    connection.close()


class Watch:
    """The longest time between two signs of progress."""

    def __init__(self):
        self.last = time.monotonic()
        self.longest = 0.0
        self.count = 0

    def progress(self):
        self.count += 1
        self.look()
        self.last = time.monotonic()

    def look(self):
        self.longest = max(self.longest, time.monotonic() - self.last)

    def ms(self):
        return round(self.longest * 1000)


def client(address, seconds):
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))
    tcp = socket.create_connection((address, PORT))
    tcp.setblocking(False)
    udp = socket.socket(family(address), socket.SOCK_DGRAM)
    udp.connect((address, PORT))
    udp.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(tcp, selectors.EVENT_READ, "tcp")
    selector.register(udp, selectors.EVENT_READ, "udp")
    bulk, pings = Watch(), Watch()
    sent = told = 0
    end = time.monotonic() + seconds
    print("ready", file=sys.stderr, flush=True)
    while not stopping and time.monotonic() < end:
        try:
            udp.send(b"ping")
        except OSError:
            pass
        # Some 6 MB/s: bulk, without eating the machine.
        try:
            sent += tcp.send(bytes(65536))
        except BlockingIOError:
            pass
        deadline = time.monotonic() + 0.01
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.data == "udp":
                    try:
                        udp.recv(2048)
                        pings.progress()
                    except OSError:
                        pass
                else:
                    data = tcp.recv(1 << 16)
                    if not data:
                        sys.exit("the server closed the connection")
                    told += len(data)
                    bulk.progress()
    bulk.look()
    pings.look()
    print(json.dumps({"tcp_gap_ms": bulk.ms(), "udp_gap_ms": pings.ms(), "tcp_bytes": sent,
                      "udp": pings.count}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        server(sys.argv[2])
    else:
        client(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 3600)
