#!/usr/bin/env python3
"""A day of a team's requests at speed: day.py SOCKET HOST PORT CERT KEY REQUESTS.

Of all kinds: answered, streamed, refused, failed, with bad arguments, to plugins that are not there; by
the Unix socket, over connections that stay, and over new ones with their handshakes.  Says how many
were answered, how many a second, and how many were not refused or failed."""
import socket
import ssl
import sys
import time

path, host, port, cert, key, total = sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:6], int(sys.argv[6])
BATCH = 40
KINDS = [
    ('agent/whoami', b''), ('agent/status', b''), ('probe/echo', b'{"text":"a"}'),
    ('probe/echo', b'{"number":-1}'), ('probe/echo', b'{'), ('probe/fail', b''),
    ('probe/count', b'{"n":3}'), ('nobody/there', b''), ('agent/grant', b'{"key":"none","roles":"viewer"}'),
    ('filesystem/getcwd', b''), ('divert/list', b''),
]


def text(at):
    target, body = KINDS[at % len(KINDS)]
    return b'POST /v1/call/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' % (
        target.encode(), len(body), body)


def local():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


def remote():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(cert, key)
    return context.wrap_socket(socket.create_connection((host, port)))


def ask(s, first, count):
    """Sends count requests one behind the other and takes all answers: each ends with one such line."""
    s.sendall(b''.join(text(first + i) for i in range(count)))
    got, rest = 0, b''
    global good
    while got < count:
        piece = s.recv(1 << 18)
        if not piece:
            raise EOFError(f'the agent ended the connection after {got} answers: {rest[-200:]}')
        rest += piece
        whole, _, rest = rest.rpartition(b'\n')
        results = whole.count(b'{"result":')
        good += results
        got += results + whole.count(b'{"error":')


good = 0
begin, done = time.time(), 0
here, there = local(), remote()
while done < total:
    ask(here, done, BATCH)
    ask(there, done + BATCH, BATCH)
    s = remote()
    ask(s, done, 1)
    s.close()
    done += 2 * BATCH + 1
print(done, int(done / (time.time() - begin)), good)
