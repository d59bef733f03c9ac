#!/usr/bin/env python3
"""Real programs with sockets, and what they say of them: the truth for tests of weir's flow and
socket layers.

sockets.py ADDRESS ADDRESS6   does it all and prints what must be told, a line an event:
    socket EVENT protocol local_port remote_port pid
    flow   EVENT protocol local_port remote_port pid outbound [payload out] [payload in]
"""
import os
import socket
import sys

V4, V6, TCP, UDP = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM


def say(*words):
    # One write: several processes share the file.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def port(s, peer=False):
    return (s.getpeername() if peer else s.getsockname())[1]


def server(family, address, at=0):
    s = socket.socket(family, TCP)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, at))
    say("socket BIND tcp", port(s), 0, os.getpid())
    s.listen(8)
    say("socket LISTEN tcp", port(s), 0, os.getpid())
    return s


def child(work):
    """Runs in a process of its own; its id."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        work()
        sys.stdout.flush()
        os._exit(0)
    return pid


def client(family, address, to, mine=0, up=50, down=500):
    c = socket.socket(family, TCP)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if mine:
        c.bind((address, mine))
        say("socket BIND tcp", mine, 0, os.getpid())
    c.connect((address, to))
    me = port(c)
    say("socket CONNECT tcp", mine, to, os.getpid())
    say("flow ESTABLISHED tcp", me, to, os.getpid(), "true")
    c.sendall(b"u" * up)
    while down > 0:
        down -= len(c.recv(65536))
    assert c.recv(1) == b""
    c.close()
    say("socket CLOSE tcp", me, to, os.getpid())
    say("flow DELETED tcp", me, to, os.getpid(), "true")
    return me


def answer(s, up=50, down=500):
    """Takes one connection, and is the first to close it."""
    c, peer = s.accept()
    say("socket ACCEPT tcp", port(s), peer[1], os.getpid())
    say("flow ESTABLISHED tcp", port(s), peer[1], os.getpid(), "false")
    while up > 0:
        up -= len(c.recv(65536))
    c.sendall(b"d" * down)
    c.close()
    say("socket CLOSE tcp", port(s), peer[1], os.getpid())
    say("flow DELETED tcp", port(s), peer[1], os.getpid(), "false")


def exchange(family, address, forks=False, **sizes):
    """A server and a client, each a process; the server's connection handled by itself or a child."""
    s = server(family, address)

    def serve():
        answer(s, **sizes)

    def ask():
        s.close()
        client(family, address, port_of, **sizes)

    port_of = port(s)
    asks = child(ask)
    if forks:
        os.waitpid(child(serve), 0)
    else:
        serve()
    os.waitpid(asks, 0)
    s.close()
    say("socket CLOSE tcp", port_of, 0, os.getpid())


def reuse(address):
    """One pair of ports, twice, by two processes: two flows."""
    s = server(V4, address)
    to = port(s)
    mine = 0
    for _ in range(2):
        r, w = os.pipe()

        def ask():
            os.write(w, str(client(V4, address, to, mine)).encode())

        asks = child(ask)
        answer(s)
        os.waitpid(asks, 0)
        mine = int(os.read(r, 20))
        os.close(r)
        os.close(w)
    s.close()
    say("socket CLOSE tcp", to, 0, os.getpid())


def refused(address):
    c = socket.socket(V4, TCP)
    try:
        c.connect((address, 1))
    except OSError:
        pass
    me = None
    c.close()
    say("socket CONNECT tcp", 0, 1, os.getpid())
    say("socket CLOSE tcp any 1", os.getpid())
    return me


def datagrams(family, address):
    s = socket.socket(family, UDP)
    s.bind((address, 0))
    say("socket BIND udp", port(s), 0, os.getpid())
    c = socket.socket(family, UDP)
    c.connect((address, port(s)))
    say("socket CONNECT udp", 0, port(s), os.getpid())
    me = port(c)
    for size in (10, 20, 30):
        c.send(b"x" * size)
    say("flow ESTABLISHED udp", me, port(s), os.getpid(), "true")
    data, peer = s.recvfrom(100)
    s.sendto(data * 2, peer)
    say("flow ESTABLISHED udp", port(s), me, os.getpid(), "true")
    c.recv(100)
    to = port(s)
    c.close()
    say("socket CLOSE udp", me, to, os.getpid())
    say("flow DELETED udp", me, to, os.getpid(), "true 3 60 1 20")
    s.close()
    say("socket CLOSE udp", to, 0, os.getpid())
    say("flow DELETED udp", to, me, os.getpid(), "true 1 20 3 60")


def main(words):
    address, address6 = words
    exchange(V4, address)
    exchange(V4, address, forks=True)
    exchange(V4, address, up=100000, down=3000000)
    exchange(V6, address6)
    reuse(address)
    refused(address)
    datagrams(V4, address)
    datagrams(V6, address6)


if __name__ == "__main__":
    main(sys.argv[1:])
