#!/usr/bin/env python3
"""What a hostile controller does to an agent's door: hostile.py HOST PORT CERT KEY WHAT [COUNT].

malformed   COUNT requests that are none, over TLS with a key that is known
strangers   COUNT handshakes with garbage, without a certificate, cut off
idle        COUNT connections that say nothing, held until standard input ends
unproved    COUNT handshakes that show a certificate and prove nothing, held until standard input ends
overtaken   a handshake that COUNT connections which say nothing come behind before it is done, and its answer
torn        a door before the agent's: ends COUNT connections in their handshakes, hands on the next
slow        a header, a byte a second, until the agent has enough
vanish      COUNT long calls whose client goes without a word
deaf        COUNT clients that ask for an endless stream and never read, until standard input ends
pipelined   many requests at once, before the first answer
sessions    COUNT calls that are allowed and as many that are refused, each in a session of its own
sender      no hostility: datagrams to PORT, 500 a second, until SIGTERM; says how many"""
import random
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

host, port, cert, key, what = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
count = int(sys.argv[6]) if len(sys.argv) > 6 else 1
random.seed(7)


def connect(with_key=True):
    plain = socket.create_connection((host, port), timeout=20)
    if not with_key:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(cert, key)
    return context.wrap_socket(plain)


def text(target, body=b'', head=b'POST'):
    return b'%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' % (head, target, len(body), body)


ECHO = b'/v1/call/probe/echo'
BAD = [
    lambda: bytes(random.randrange(256) for _ in range(random.randrange(1, 300))) + b'\r\n\r\n',
    lambda: b'GET\r\n\r\n',
    lambda: b'GET / HTTP/9.9\r\n\r\n',
    lambda: text(b'/' * random.randrange(1, 900)),
    lambda: text(b'/v1/call/../../etc/passwd'),
    lambda: text(b'/v1/call/%2e%2e/x'),
    lambda: text(ECHO, b'[' * random.randrange(1, 5000)),
    lambda: text(ECHO, b'{"text":"\xff\xfe"}'),
    lambda: text(ECHO, b'{"text":1,"text":2}'),
    lambda: text(ECHO, b'{"number":1e999}'),
    lambda: text(ECHO, b'', random.choice([b'PUT', b'TRACE', b'BREW', b'\0'])),
    lambda: b'POST %s HTTP/1.1\r\nContent-Length: -5\r\n\r\n' % ECHO,
    lambda: b'POST %s HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n' % ECHO,
    lambda: b'POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n' % ECHO,
    lambda: b'POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n' % ECHO,
    lambda: b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * random.randrange(1, 4000) + b'\r\n',
    lambda: b'GET /v1/status HTTP/1.1\r\nX' + b'y' * 20000 + b'\r\n\r\n',
    lambda: b'GET /v1/status HTTP/1.1\r\n: \r\n \r\n\r\n',
    lambda: text(ECHO, b'x' * 100)[:-50],
]


def read_some(s):
    try:
        while s.recv(65536):
            pass
    except (OSError, ssl.SSLError):
        pass


def malformed_one(i):
    s = None
    try:
        s = connect()
        # Some of them leave the agent waiting for more: it is not waited for.
        s.settimeout(0.02)
        s.sendall(BAD[i % len(BAD)]())
        s.recv(4096)
    except (OSError, ssl.SSLError):
        pass
    finally:
        if s:
            s.close()


def malformed():
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(malformed_one, range(count)))


def strangers():
    for i in range(count):
        try:
            s = connect(False)
            if i % 3 == 0:
                s.sendall(bytes(random.randrange(256) for _ in range(200)))
            elif i % 3 == 1:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                s.settimeout(5)
                s = context.wrap_socket(s)
                s.recv(10)
            s.close()
        except (OSError, ssl.SSLError):
            pass


def idle():
    held = []
    for _ in range(count):
        try:
            held.append(connect(False))
        except OSError:
            pass
    print(len(held), flush=True)
    sys.stdin.read()


def begin_handshake():
    """Its first message, and the answer to it, which nothing is made of yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(cert, key)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    plain = connect(False)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        plain.sendall(outgoing.read())
    incoming.write(plain.recv(65536))
    return plain, tls, incoming, outgoing


def overtaken():
    plain, tls, incoming, outgoing = begin_handshake()
    held = [connect(False) for _ in range(count)]
    # The agent has looked at them when the first of those that are too many is closed.
    while held[0].recv(1):
        pass
    asked, answer = False, b''
    try:
        while b'\r\n' not in answer:
            try:
                if not asked:
                    tls.do_handshake()
                    tls.write(text(b'/v1/call/agent/whoami'))
                    asked = True
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                piece = plain.recv(65536)
                if not piece:
                    break
                incoming.write(piece)
    except OSError as error:
        answer = str(error).encode()
    print(answer.split(b'\r\n')[0].decode())


def hand_on(source, to):
    try:
        while True:
            piece = source.recv(65536)
            if not piece:
                break
            to.sendall(piece)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def torn():
    door = socket.create_server(('127.0.0.1', 0))
    print(door.getsockname()[1], flush=True)
    for i in range(count + 1):
        client = door.accept()[0]
        if i < count:
            # With bytes that were not read: a reset, as of an agent that makes room.
            client.recv(1)
            client.close()
            continue
        agent = connect(False)
        threading.Thread(target=hand_on, args=(agent, client), daemon=True).start()
        hand_on(client, agent)


def show_certificate():
    """All of a handshake up to the record with the certificate, and not the next, which proves the key."""
    plain, tls, incoming, outgoing = begin_handshake()
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            plain.sendall(outgoing.read())
            piece = plain.recv(65536)
            if not piece:
                raise ConnectionError('refused')
            incoming.write(piece)
    left = outgoing.read()
    while left:
        size = 5 + struct.unpack('>H', left[3:5])[0]
        plain.sendall(left[:size])
        if left[0] == 23:
            break
        left = left[size:]
    # One that is not looked at before the next comes would make room for that.
    time.sleep(0.05)
    return plain


def unproved():
    held = []
    for _ in range(count):
        try:
            held.append(show_certificate())
        except OSError:
            pass
    print(len(held), flush=True)
    sys.stdin.read()


def slow():
    s = connect()
    begin = time.time()
    try:
        for c in b'GET /v1/status HTTP/1.1\r\n' + b'X: ' + b'y' * 100000:
            s.sendall(bytes([c]))
            s.settimeout(0.2)
            try:
                if not s.recv(10):
                    break
            except TimeoutError:
                pass
    except (OSError, ssl.SSLError):
        pass
    print(int(time.time() - begin))


def vanish():
    for _ in range(count):
        s = connect()
        s.sendall(text(b'/v1/call/probe/wait'))
        s.recv(100)
        # Without a word: a reset.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        s.close()


def deaf():
    held = []
    for _ in range(count):
        s = connect()
        s.sendall(text(b'/v1/stream/probe/long', head=b'GET'))
        held.append(s)
    print(len(held), flush=True)
    sys.stdin.read()


def sessions():
    s = connect()
    for i in range(count):
        for directive in b'echo', b'poke':
            s.sendall(b'POST /v1/call/probe/%s HTTP/1.1\r\nHost: x\r\nWeir-Session: mine-%d\r\n'
                      b'Content-Length: 0\r\n\r\n' % (directive, i))
            got = b''
            while not got.endswith((b'}\n', b'\r\n0\r\n\r\n')):
                got += s.recv(65536)


def sender():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ended = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    n = 0
    while not ended:
        s.sendto(b'%d' % n, (host, port))
        n += 1
        time.sleep(0.002)
    print(n)


def pipelined():
    s = connect()
    s.sendall(text(ECHO, b'{"text":"a"}') * count)
    s.settimeout(20)
    got = b''
    while got.count(b'"result"') < count:
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    print(got.count(b'"result"'))
    # And behind a call that does not end: it must neither be read nor end the agent.
    s.sendall(text(b'/v1/call/probe/wait') + text(ECHO) * 50 + b'\0' * 100000)
    time.sleep(0.3)
    s.close()


globals()[what]()
