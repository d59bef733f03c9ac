#!/usr/bin/env python3
"""Programs with sockets whose owners are known, and the comparison with what a recorder says.

usage: who.py SCENE [ARGUMENT...]       plays it; prints a JSON line of truth for each connection
       who.py check TRUTH SHOW          compares with the output of 'weir show --json'

A line of truth: protocol, local, local_port, remote, remote_port; pids: whose packets they are;
sizes: of data packets that this process sent, {"BYTES": pid}, BYTES of payload in a TCP segment."""
import array
import contextlib
import json
import os
import resource
import signal
import socket
import struct
import sys
import threading
import time

LOCAL = '127.0.0.1'


def tell(protocol, local, remote, pids, sizes=None):
    line = json.dumps({'protocol': protocol, 'local': local[0], 'local_port': local[1],
                       'remote': remote[0], 'remote_port': remote[1], 'pids': pids,
                       'sizes': sizes or {}})
    # At once: several processes share the file.
    os.write(1, (line + '\n').encode())


def tell_tcp(s, pids, sizes=None):
    tell('tcp', s.getsockname()[:2], s.getpeername()[:2], pids, sizes)


def listen(address=LOCAL, port=0):
    s = socket.create_server((address, port))
    return s, s.getsockname()


def child(run):
    pid = os.fork()
    if pid == 0:
        try:
            run()
        finally:
            os._exit(0)
    return pid


def wait_all():
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def echo_forever(server):
    """Serves every connection in this process."""
    def serve(s):
        with s, contextlib.suppress(OSError):
            while data := s.recv(4096):
                s.sendall(data)
    while True:
        s, _ = server.accept()
        threading.Thread(target=serve, args=(s,), daemon=True).start()


def one_connection(address):
    s = socket.create_connection(address)
    tell_tcp(s, [os.getpid()])
    s.sendall(b'hello')
    s.recv(5)
    s.close()


def short():
    """Processes that connect, say one word and are gone."""
    server, address = listen()
    pid = child(lambda: echo_forever(server))
    for _ in range(20):
        os.waitpid(child(lambda: one_connection(address)), 0)
    os.kill(pid, signal.SIGKILL)
    wait_all()


def forked():
    """The parent accepts, a child a connection serves."""
    server, address = listen()

    def client():
        for _ in range(5):
            one_connection(address)

    pid = child(client)
    for _ in range(5):
        s, _ = server.accept()

        def serve():
            tell_tcp(s, [os.getpid()])
            s.sendall(s.recv(5))
            s.recv(5)
        child(serve)
        s.close()
    os.waitpid(pid, 0)
    wait_all()


def passed():
    """A connected socket handed to another process; both send."""
    server, address = listen()
    server_pid = child(lambda: echo_forever(server))
    ours, theirs = socket.socketpair()
    go, gone = os.pipe()

    def receiver():
        _, data, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        fds = array.array('i')
        fds.frombytes(data[0][2][:4])
        s = socket.socket(fileno=fds[0])
        s.sendall(b'x' * 222)
        s.recv(500)
        os.write(gone, b'1')

    pid = child(receiver)
    s = socket.create_connection(address)
    me = os.getpid()
    tell_tcp(s, [me, pid], {'111': me, '222': pid})
    s.sendall(b'x' * 111)
    s.recv(500)
    theirs.sendmsg([b'1'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                             array.array('i', [s.fileno()]))])
    os.read(go, 1)
    s.close()
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def inherited():
    """A process connects, and a child of it alone speaks: what opened the connection is the parent's."""
    server, address = listen()
    server_pid = child(lambda: echo_forever(server))
    s = socket.create_connection(address)
    me = os.getpid()

    def speak():
        tell_tcp(s, [me, os.getpid()], {'111': os.getpid(), '222': os.getpid()})
        for size in (111, 222, 111):
            s.sendall(b'x' * size)
            s.recv(500)

    pid = child(speak)
    os.waitpid(pid, 0)
    s.close()
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def crowd():
    """The same beside more sockets than the kernel's programs have slots for: what has none is in storage."""
    each = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (each + 100,) * 2)
    told, tell_held = os.pipe()
    stop, stopped = os.pipe()

    def hold(count):
        os.close(stopped)
        held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        os.write(tell_held, b'1')
        os.read(stop, 1)
        return held

    holders = [child(lambda n=min(each, 20000 - at): hold(n)) for at in range(0, 20000, each)]
    for _ in holders:
        os.read(told, 1)
    # In processes of their own, for they wait for all of their children.
    for play in (short, forked, passed):
        os.waitpid(child(play), 0)
    os.close(stopped)
    wait_all()


def free_port():
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return probe.getsockname()[1]


def connect_from(port, address):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Reset, so that the ports are free at once.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.bind((LOCAL, port))
    s.connect(address)
    return s


def reopened():
    """The same addresses and ports, the second time taken by another server that never uses the connection:
    prints the first one's pid, and the time from which on nothing is its own."""
    server, address = listen()
    first = child(lambda: echo_forever(server))
    server.close()
    port = free_port()
    with connect_from(port, address) as s:
        s.sendall(b'x' * 101)
        s.recv(101)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    since = time.time_ns()
    # This process listens now.
    server, address = listen(port=address[1])
    with connect_from(port, address) as s:
        taken, _ = server.accept()
        s.sendall(b'x' * 102)
        taken.close()
    print(json.dumps({'port': address[1], 'first': first, 'since_ns': since, 'second': os.getpid()}))


def reused_tuple():
    """The same addresses and ports, one process after the other."""
    server, address = listen()
    server_pid = child(lambda: echo_forever(server))
    port = free_port()

    def client(size):
        s = connect_from(port, address)
        s.sendall(b'x' * size)
        s.recv(size)
        s.close()

    pids = {}
    for size in (101, 102, 103, 104):  # as many as one key remembers
        pid = child(lambda: client(size))
        os.waitpid(pid, 0)
        pids[str(size)] = pid
    tell('tcp', (LOCAL, port), address, list(pids.values()), pids)
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def reused_slowly():
    """The same, of TCP and of UDP, each for so long that it is found by looking too."""
    server, address = listen()
    server_pid = child(lambda: echo_forever(server))
    hearer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hearer.bind((LOCAL, 0))

    def tcp(port, size):
        s = connect_from(port, address)
        for _ in range(15):
            s.sendall(b'x' * size)
            s.recv(size)
            time.sleep(0.1)
        s.close()

    def udp(port, size):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((LOCAL, port))
        for _ in range(15):
            s.sendto(b'x' * size, hearer.getsockname())
            time.sleep(0.1)

    for protocol, run, remote in (('tcp', tcp, address), ('udp', udp, hearer.getsockname())):
        port = free_port()
        pids = {}
        for size in (101, 102):
            pid = child(lambda run=run, port=port, size=size: run(port, size))
            os.waitpid(pid, 0)
            pids[str(size)] = pid
            # A UDP socket tells nothing of its end: what is known of it is believed for a while.
            time.sleep(1 if protocol == 'udp' else 0)
        tell(protocol, (LOCAL, port), remote, list(pids.values()), pids)
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def again():
    """A socket that is refused, and connects from the same port once there is a server."""
    port, server_port = free_port(), free_port()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((LOCAL, port))
    tell('tcp', (LOCAL, port), (LOCAL, server_port), [os.getpid()])
    with contextlib.suppress(ConnectionRefusedError):
        s.connect((LOCAL, server_port))
    server, address = listen(port=server_port)
    server_pid = child(lambda: echo_forever(server))
    server.close()
    s.connect(address)
    for _ in range(3):
        s.sendall(b'word')
        s.recv(4)
    s.close()
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def fork_as(pid, run):
    """A child with that process id, where it can be had."""
    for _ in range(200):
        with open('/proc/sys/kernel/ns_last_pid', 'w', encoding='ascii') as f:
            f.write(str(pid - 1))
        go, gone = os.pipe()

        def wanted():
            if os.read(go, 1) == b'1':
                run()
        got = child(wanted)
        os.write(gone, b'1' if got == pid else b'0')
        os.waitpid(got, 0)
        if got == pid:
            return True
    return False


def reused_pid():
    """Two processes with one id, one after the other, each with a connection: the second line is
    {"reused": true} where that was possible."""
    server, address = listen()
    server_pid = child(lambda: echo_forever(server))
    first = child(lambda: one_connection(address))
    os.waitpid(first, 0)
    time.sleep(0.02)  # starts are told apart by 10 ms
    is_reused = fork_as(first, lambda: one_connection(address))
    print(json.dumps({'reused': is_reused}), flush=True)
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def older(go):
    """A connection that is there before the recorder: says 'ready', goes on when the file is there."""
    server, address = listen()
    server_pid = child(lambda: echo_forever(server))
    s = socket.create_connection(address)
    s.sendall(b'before')
    s.recv(10)
    tell_tcp(s, [os.getpid()])
    tell('tcp', address, s.getsockname(), [server_pid])
    while not os.path.exists(go):
        time.sleep(0.02)
    for _ in range(20):
        s.sendall(b'behind')
        s.recv(10)
        time.sleep(0.05)
    s.close()
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def shared(go):
    """A connection of root's that a process of nobody's, started by it, has open too and never uses."""
    server, address = listen()
    server_pid = child(lambda: echo_forever(server))
    s = socket.create_connection(address)
    s.set_inheritable(True)

    def hold():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        # A program of its own: what has only changed its user may not be looked at either.
        os.execvp('sleep', ['sleep', '600'])

    pid = child(hold)
    tell_tcp(s, [os.getpid()])
    while not os.path.exists(go):
        time.sleep(0.02)
    for _ in range(20):
        s.sendall(b'word')
        s.recv(4)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def standing(go):
    """Sockets of two processes that are there before the recorder, and are closed when the file is there;
    a line of who has which."""
    told, tell_ports = os.pipe()

    def serve():
        server, address = listen()
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind((LOCAL, 0))
        os.write(tell_ports, json.dumps([address[1], bound.getsockname()[1]]).encode())
        s, _ = server.accept()
        s.recv(10)
        for one in (s, server, bound):
            one.close()

    server_pid = child(serve)
    port, bound_port = json.loads(os.read(told, 100))
    s = socket.create_connection((LOCAL, port))
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.connect((LOCAL, bound_port))
    print(json.dumps({'client': os.getpid(), 'server': server_pid, 'port': port, 'bound_port': bound_port,
                      'client_port': s.getsockname()[1], 'udp_port': u.getsockname()[1]}), flush=True)
    while not os.path.exists(go):
        time.sleep(0.02)
    s.close()
    u.close()
    wait_all()


def datagrams():
    """With and without connect(), and to a bound port."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((LOCAL, 0))
    address = server.getsockname()

    def serve():
        for _ in range(4):
            data, peer = server.recvfrom(100)
            server.sendto(data, peer)

    server_pid = child(serve)
    server.close()

    def client(is_connected):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if is_connected:
            s.connect(address)
        for _ in range(2):
            if is_connected:
                s.send(b'one')
            else:
                s.sendto(b'one', address)
            s.recv(10)
        local = (LOCAL, s.getsockname()[1])
        tell('udp', local, address, [os.getpid()])
        tell('udp', address, local, [server_pid])

    child(lambda: client(False))
    child(lambda: client(True))
    wait_all()


def same_tuple(port, server_port):
    """One connection between given ports."""
    server, address = listen(LOCAL, int(server_port))
    server_pid = child(lambda: echo_forever(server))
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((LOCAL, int(port)))
    s.connect(address)
    tell_tcp(s, [os.getpid()])
    tell('tcp', address, s.getsockname(), [server_pid])
    for _ in range(20):
        s.sendall(b'word')
        s.recv(4)
        time.sleep(0.01)
    os.kill(server_pid, signal.SIGKILL)
    wait_all()


def server(address, port):
    """Echoes until it is ended; tells its process id."""
    s, _ = listen(address, int(port))
    print(os.getpid(), flush=True)
    echo_forever(s)


def dns(address):
    """Answers every question for an IPv4 address with its own, all others with nothing."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    print('ready', flush=True)
    while True:
        question, peer = s.recvfrom(600)
        end = question.index(b'\0', 12) + 5  # of the name, type and class
        is_a = question[end - 4:end - 2] == b'\0\1'
        answer = b'\xc0\x0c\0\1\0\1\0\0\0\1\0\4' + socket.inet_aton(address) if is_a else b''
        s.sendto(question[:2] + b'\x81\x80\0\1' + struct.pack('>H', is_a) + bytes(4) +
                 question[12:end] + answer, peer)


def http(address, port):
    """Answers each connection with a page."""
    server, _ = listen(address, int(port))
    print('ready', flush=True)
    while True:
        s, _ = server.accept()
        with s, contextlib.suppress(OSError):
            s.recv(4096)
            s.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello')


def many(address, port, processes, connections, go):
    """Processes that start at once and make some connections each."""
    def client():
        while not os.path.exists(go):
            time.sleep(0.001)
        for _ in range(int(connections)):
            one_connection((address, int(port)))

    for _ in range(int(processes)):
        child(client)
    print(json.dumps({'ready': True}), flush=True)
    wait_all()


def sides(packet):
    src = (packet.get('src'), packet.get('src_port') or 0)
    dst = (packet.get('dst'), packet.get('dst_port') or 0)
    return (src, dst) if packet.get('direction') == 'out' else (dst, src)


def right_pids(truth, packet):
    # Ethernet, IP, TCP with time stamps; or UDP
    payload = packet['wire_bytes'] - (66 if truth['protocol'] == 'tcp' else 42)
    if packet.get('direction') == 'out' and str(payload) in truth['sizes']:
        return [truth['sizes'][str(payload)]]
    return truth['pids']


def check(truth_path, show_path):
    truths = {}
    with open(truth_path, encoding='ascii') as f:
        for line in map(json.loads, filter(lambda text: text.startswith('{'), f)):
            if 'pids' in line:
                key = (line['protocol'], (line['local'], line['local_port']),
                       (line['remote'], line['remote_port']))
                truths[key] = line
    counts = {'packets': 0, 'exact': 0, 'listener': 0, 'earlier': 0, 'unknown': 0, 'wrong': 0, 'other': 0}
    seen = set()
    with open(show_path, encoding='utf-8') as f:
        for packet in map(json.loads, f):
            local, remote = sides(packet)
            key = (packet.get('protocol'), local, remote)
            if key not in truths:
                counts['other'] += 1
                continue
            counts['packets'] += 1
            certainty = packet.get('process_certainty', 'unknown')
            if packet.get('pid') is None:
                counts['unknown'] += 1
            elif certainty == 'listener':
                counts['listener'] += 1
            elif packet['pid'] not in right_pids(truths[key], packet):
                counts['wrong'] += 1
                print('wrong:', json.dumps(packet), truths[key], file=sys.stderr)
            else:
                counts['exact'] += certainty == 'exact'
                counts['earlier'] += certainty == 'earlier'
            if certainty == 'exact':
                seen.add(key)
    counts['connections'] = len(truths)
    counts['connections_exact'] = len(seen)
    print(json.dumps(counts))


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
