#!/usr/bin/env python3
"""odd-captures.py FOLDER: capture files that readers and writers stumble over.

Written from the drafts of pcap and pcapng alone, so that it shares no mistake with weir.
"""
import os
import struct
import sys

BASE = 1763853215 * 10**9  # 2025-11-22T23:13:35Z
MACS = bytes(range(2, 14, 2)) + bytes(range(2, 14, 2))


def ipv4(protocol, body, fragment=0, total=None, source=1):
    total = 20 + len(body) if total is None else total
    return struct.pack('>BBHHHBBH4s4s', 0x45, 0, total, 7, fragment, 64, protocol, 0,
                       bytes([10, 0, 0, source]), bytes([10, 0, 0, 2])) + body


def ipv6(next_header, body):
    return struct.pack('>IHBB16s16s', 0x60000000, len(body), next_header, 64,
                       bytes.fromhex('20010db8' + '00' * 11 + '01'),
                       bytes.fromhex('20010db8' + '00' * 11 + '02')) + body


def udp(size, source=5000):
    return struct.pack('>HHHH', source, 5001, min(8 + size, 65535), 0) + bytes(
        i & 255 for i in range(size))


def tcp(size, flags=0x18):
    return struct.pack('>HHIIBBHHH', 40000, 80, 1000, 2000, 0x50, flags, 512, 0, 0) + b'x' * size


def ether(packet, ethertype=0x0800, tags=b''):
    return MACS + tags + struct.pack('>H', ethertype) + packet


def tag(identifier, tpid=0x8100):
    return struct.pack('>HH', tpid, identifier)


def sll(packet, packet_type=0):
    return struct.pack('>HHH8sH', packet_type, 1, 6, MACS[:8], 0x0800) + packet


def sll2(packet, packet_type=0):
    return struct.pack('>HHIHBB8s', 0x0800, 0, 3, 1, packet_type, 6, MACS[:8]) + packet


class Pcap:
    def __init__(self, name, linktype=1, order='<', nanoseconds=True, snaplen=262144):
        self.file = open(name, 'wb')
        self.order, self.nanoseconds, self.snaplen = order, nanoseconds, snaplen
        magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
        self.file.write(struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, snaplen, linktype))

    def packet(self, ns, data):
        fraction = ns % 10**9 if self.nanoseconds else ns % 10**9 // 1000
        kept = data[:self.snaplen]
        self.file.write(struct.pack(self.order + 'IIII', ns // 10**9, fraction, len(kept),
                                    len(data)) + kept)
        return self


class Pcapng:
    def __init__(self, name, order='<'):
        self.file, self.order = open(name, 'wb'), order
        self.resolutions, self.snaplens = [], []
        self.block(0x0A0D0D0A, struct.pack(order + 'IHHq', 0x1A2B3C4D, 1, 0, -1))

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        length = struct.pack(self.order + 'I', 12 + len(body))
        self.file.write(struct.pack(self.order + 'I', kind) + length + body + length)

    def options(self, options):
        out = b''
        for code, value in options:
            out += struct.pack(self.order + 'HH', code, len(value)) + value + bytes(-len(value) % 4)
        return out + bytes(4) if options else b''

    def interface(self, linktype, name, resolution=9, snaplen=0, offset=None):
        self.resolutions.append(resolution)
        self.snaplens.append(snaplen)
        self.block(1, struct.pack(self.order + 'HHI', linktype, 0, snaplen) + self.options(
            [(2, name.encode()), (9, bytes([resolution]))] + (
                [] if offset is None else [(14, struct.pack(self.order + 'q', offset))])))
        return self

    def packet(self, ns, data, interface=0, flags=None, drops=None, comment=None):
        resolution = self.resolutions[interface]
        ticks = ns // 10**(9 - resolution) if resolution < 128 else \
            ns * 2**(resolution - 128) // 10**9
        kept = data[:self.snaplens[interface] or None]
        options = []
        if comment is not None:
            options.append((1, comment))
        if flags is not None:
            options.append((2, struct.pack(self.order + 'I', flags)))
        if drops is not None:
            options.append((4, struct.pack(self.order + 'Q', drops)))
        self.block(6, struct.pack(self.order + 'IIIII', interface, ticks >> 32,
                                  ticks & 0xffffffff, len(kept), len(data)) + kept +
                   bytes(-len(kept) % 4) + self.options(options))
        return self

    def statistics(self, interface, dropped, system=None):
        options = [(5, struct.pack(self.order + 'Q', dropped))]
        if system is not None:
            options.append((7, struct.pack(self.order + 'Q', system)))
        self.block(5, struct.pack(self.order + 'III', interface, 0, 0) + self.options(options))
        return self


def link_types():
    packets = [ipv4(17, udp(30)), ipv4(6, tcp(0, 2)), ipv4(1, b'\x08\0\0\0\0\1\0\1' + b'p' * 48)]
    ethernet = Pcap('ethernet.pcap')
    raw = Pcap('raw.pcap', linktype=101)
    cooked, cooked2 = Pcap('sll.pcap', linktype=113), Pcap('sll2.pcap', linktype=276)
    null, loop = Pcap('null.pcap', linktype=0), Pcap('loop.pcap', linktype=108)
    for i, packet in enumerate(packets):
        ns = BASE + i * 1000001
        ethernet.packet(ns, ether(packet))
        raw.packet(ns, packet)
        cooked.packet(ns, sll(packet, 4 * (i & 1)))
        cooked2.packet(ns, sll2(packet, 4 * (i & 1)))
        null.packet(ns, b'\2\0\0\0' + packet)
        loop.packet(ns, b'\0\0\0\2' + packet)
    raw.packet(BASE + 10**9, ipv6(17, udp(9)))


def sizes():
    c = Pcap('sizes.pcap')
    c.packet(BASE, ether(ipv4(17, udp(1))))
    c.packet(BASE + 1, ether(ipv4(17, udp(8972))))              # jumbo
    c.packet(BASE + 2, ether(ipv4(6, tcp(65495))))              # 64 KiB of GSO
    c.packet(BASE + 3, ether(ipv4(6, tcp(100000), total=0)))    # beyond the length field
    c.packet(BASE + 4, MACS[:10])                               # not even a header
    c.packet(BASE + 5, b'')
    c = Pcap('truncated.pcap', snaplen=60)
    for size in (0, 10, 1000, 9000):
        c.packet(BASE + size, ether(ipv4(17, udp(size))))


def tags():
    c = Pcap('vlan.pcap')
    c.packet(BASE, ether(ipv4(17, udp(5)), tags=tag(5)))
    c.packet(BASE + 1, ether(ipv4(17, udp(5)), tags=tag(100, 0x88a8) + tag(0x2fff)))
    c.packet(BASE + 2, ether(ipv6(6, tcp(3)), 0x86dd, tags=tag(1)))
    c.packet(BASE + 3, ether(b'\0\1\x08\0\6\4\0\1' + MACS[:6] + b'\x0a\0\0\1' + bytes(6) +
                             b'\x0a\0\0\2', 0x0806, tags=tag(2)))


def fragments():
    c = Pcap('fragments.pcap')
    body = udp(3000)
    for at in range(0, len(body), 1480):
        more = 0x2000 if at + 1480 < len(body) else 0
        c.packet(BASE + at, ether(ipv4(17, body[at:at + 1480], at // 8 | more)))
    for at in range(0, len(body), 1448):
        more = 1 if at + 1448 < len(body) else 0
        c.packet(BASE + 5000 + at, ether(ipv6(44, struct.pack('>BBHI', 17, 0, at | more, 9) +
                                              body[at:at + 1448]), 0x86dd))


def times():
    c = Pcap('times.pcap')
    for ns in (0, 1, 999999999, 10**9, 10**9 + 1, BASE - 1, BASE, BASE + 1, BASE + 999999999,
               BASE + 10**9, (2**31 - 1) * 10**9 + 999999999, 2**31 * 10**9,
               (2**32 - 1) * 10**9 + 999999999):
        c.packet(ns, ether(ipv4(17, udp(4))))


def files():
    Pcap('empty.pcap')
    Pcapng('empty.pcapng')
    Pcapng('empty-iface.pcapng').interface(101, 'tun0')
    for name, order, ns in (('big-ns', '>', True), ('big-us', '>', False), ('us', '<', False)):
        c = Pcap(name + '.pcap', order=order, nanoseconds=ns)
        for i in range(4):
            c.packet(BASE + i * 333333333, ether(ipv4(17, udp(i))))


def sections():
    c = Pcapng('known.pcapng').interface(1, 'lo').interface(1, 'eth0')
    c.packet(BASE, ether(ipv4(6, tcp(0, 2))), 0, flags=2)
    c.packet(BASE + 1, ether(ipv4(6, tcp(0, 0x12))), 0, flags=1)
    c.packet(BASE + 2, ether(ipv4(17, udp(2))), 1, flags=0x205, drops=12, comment=b'dropped')
    c.packet(BASE + 3, ether(ipv4(17, udp(3))), 1, comment='gr\u00fc\u00df'.encode())
    c = Pcapng('big.pcapng', order='>').interface(101, 'us', 6).interface(101, 'ms', 3)
    c.interface(101, 'binary', 128 + 30)
    for i in range(6):
        c.packet(BASE + i * 123456789, ipv4(17, udp(i)), i % 3, flags=1 + i % 2)
    c = Pcapng('snaplens.pcapng').interface(1, 'short', snaplen=64).interface(1, 'long')
    for i in range(4):
        c.packet(BASE + i, ether(ipv4(17, udp(900 + i))), i % 2)
    c = Pcapng('later.pcapng').interface(1, 'first', snaplen=96)
    c.packet(BASE, ether(ipv4(17, udp(10))))
    c.interface(1, 'second').packet(BASE + 1, ether(ipv4(17, udp(900))), 1)
    c = Pcapng('before-1970.pcapng').interface(1, 'eth0', offset=-2 * 10**9)
    c.packet(5, ether(ipv4(17, udp(4))))
    c = Pcapng('dropped.pcapng').interface(1, 'first').interface(1, 'second')
    c.packet(BASE, ether(ipv4(17, udp(10))), 1, drops=3)
    # Of an interface the last statistics count, of two both.
    c.statistics(0, 4).statistics(1, 5).statistics(1, 98700, 61)
    c = Pcapng('mixed.pcapng').interface(1, 'eth0').interface(101, 'tun0')
    for i in range(4):
        packet = ipv4(17, udp(i))
        c.packet(BASE + i, packet if i % 2 else ether(packet), i % 2)
    c = Pcapng('backwards.pcapng').interface(1, 'eth0')
    for i in (5, 3, 9, 1):
        c.packet(BASE + i, ether(ipv4(17, udp(i))))


if __name__ == '__main__':
    os.chdir(sys.argv[1])
    for make in (link_types, sizes, tags, fragments, times, files, sections):
        make()
