"""A client in Python, for row 14: connections made, used for a word and closed, as its own library does it.

usage: cycles.py PORT COUNT"""
import json
import resource
import socket
import struct
import sys
import time

RESET = struct.pack('ii', 1, 0)  # at the end: no ports wait for anything


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    began, before = time.monotonic(), cpu_s()
    for _ in range(count):
        with socket.create_connection(('127.0.0.1', port)) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            s.sendall(b'x')
            s.recv(16)
    print(json.dumps({'cycles': count, 'wall_s': time.monotonic() - began, 'cpu_s': cpu_s() - before}))


main()
