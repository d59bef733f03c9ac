"""Reading: exports of a gigabyte and a million packets against mergecap and tcpdump; rows 10, 11.

Every program reads the same packets from a warm page cache and writes a file in the same folder."""
import glob
import os
import random
import shutil
import struct
import subprocess
import time

import measure
from tables import Bound, bounds_table, markdown, median, number, pick, ratio, spread, values_of

FRESH = 'pcap, fresh memory'
GIVEN_BACK_S = 4  # the kernel reports free pages to the host every 2 s
FILTER = 'ip.SrcAddr == 10.0.0.5 and tcp.DstPort == 443'
PCAP_FILTER = 'src host 10.0.0.5 and tcp dst port 443'
FLOWS, FIRST_S = 2500, 1700000000
SIZES = (64,) * 3 + (576,) + (1514,) * 6


def checksum(header):
    total = sum(struct.unpack(f'!{len(header) // 2}H', header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def make_frame(r, flow, size):
    """A TCP (four of five) or UDP segment of a flow; checksums of the transport are left 0."""
    is_udp = flow >= 2000
    source = bytes((10, 0, 0, flow % 250 + 1))
    target = bytes((192, 168, flow % 1000 >> 8, flow % 1000 & 255))
    header = struct.pack('!BBHHHBBH', 0x45, 0, size - 14, flow, 0, 64, 17 if is_udp else 6, 0)
    header = header[:10] + struct.pack('!H', checksum(header + source + target)) + source + target
    port = 5353 + flow % 3 if is_udp else (80, 443, 22, 8080)[flow % 4]
    ports = struct.pack('!HH', 1024 + flow * 7, port)
    if is_udp:
        transport = ports + struct.pack('!HH', size - 34, 0)
    else:
        transport = ports + struct.pack('!IIBBHHH', flow, 0, 0x50, 0x18, 0xff00, 0, 0)
    payload = size - 34 - len(transport)
    text = b'GET /index.html HTTP/1.1\r\n' * 60
    start = b'\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0'
    return start + header + transport + r.randbytes(payload // 2) + text[:payload - payload // 2]


def make_pcap(path, packets):
    """Nanosecond pcap: 2000 TCP and 500 UDP flows, frames of 64, 576 and 1514 bytes."""
    r = random.Random(7)
    frames = [make_frame(r, flow, size) for flow in range(FLOWS) for size in (64, 576, 1514)]
    by_size = {64: 0, 576: 1, 1514: 2}
    header = struct.Struct('<IIII').pack
    ns = FIRST_S * 10**9
    with open(path, 'wb', 1 << 20) as f:
        f.write(struct.pack('<IHHIIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for _ in range(packets):
            size = SIZES[r.randrange(10)]
            ns += r.randrange(20000)
            f.write(header(ns // 10**9, ns % 10**9, size, size))
            f.write(frames[3 * r.randrange(FLOWS) + by_size[size]])


class Sources:
    """The same packets as a pcap file, as a store, and as one pcapng file."""

    def __init__(self, weir, folder, packets):
        self.weir, self.folder, self.packets = weir, folder, packets
        self.pcap, self.store, self.pcapng = (os.path.join(folder, name) for name in
                                              ('big.pcap', 'store', 'big.pcapng'))
        make_pcap(self.pcap, packets)
        for words in ([weir, 'import', self.pcap, '-o', self.store, '-q'],
                      [weir, 'export', self.store, '-o', self.pcapng]):
            subprocess.run(words, check=True, capture_output=True)
        for path in (self.pcap, self.pcapng, *self.segments()):
            with open(path, 'rb') as f:
                while f.read(1 << 22):
                    pass

    def segments(self):
        return sorted(glob.glob(os.path.join(self.store, '0*.pcapng')))

    def commands(self, row):
        """(source, program, words); words end with where to write."""
        weir = [self.weir, 'export']
        if row == 10:
            return [('pcap', 'weir', [*weir, self.pcap, '-o']),
                    ('pcap', 'mergecap', ['mergecap', self.pcap, '-w']),
                    ('pcap', 'editcap', ['editcap', '-F', 'pcapng', self.pcap]),
                    ('store', 'weir', [*weir, self.store, '-o']),
                    ('store', 'mergecap', ['mergecap', *self.segments(), '-w']),
                    (FRESH, 'weir', [*weir, self.pcap, '-o']),
                    (FRESH, 'mergecap', ['mergecap', self.pcap, '-w'])]
        only = ['--filter', FILTER, '-o']
        dump = [PCAP_FILTER, '-w']
        return [('pcap', 'weir', [*weir, self.pcap, *only]),
                ('pcap', 'tcpdump -r -w', ['tcpdump', '-r', self.pcap, *dump]),
                ('store', 'weir', [*weir, self.store, *only]),
                ('store', 'tcpdump -r -w', ['tcpdump', '-r', self.pcapng, *dump])]


def plan(row, sources):
    made = []
    for source, program, words in sources.commands(row):
        if program == 'weir' or shutil.which(words[0]):
            made.append({'source': source, 'program': program, 'words': words})
    return made


def warm_memory(folder, size):
    """Memory that a virtual machine has given back to its host costs several times as much to use
    again: every program gets pages that were in use a moment ago."""
    path, block = os.path.join(folder, 'warm'), bytes(1 << 22)
    with open(path, 'wb', 0) as f:
        for _ in range(size // len(block) + 1):
            f.write(block)
    os.unlink(path)


def measure_one(sources, m):
    if m['source'] == FRESH:
        time.sleep(GIVEN_BACK_S)
    else:
        warm_memory(sources.folder, os.path.getsize(sources.pcapng) * 11 // 10)
    out = os.path.join(sources.folder, 'out.pcapng')
    r = {k: v for k, v in m.items() if k != 'words'}
    try:
        found = measure.run_once([*m['words'], out], sources.folder)
        if found['code']:
            raise measure.Failed(f'{m["words"][0]}: {" ".join(found["said"])[-300:]}')
        r.update({k: found[k] for k in ('wall_s', 'cpu_s', 'user_s', 'rss_mib')})
        r['written_bytes'], r['packets'] = os.path.getsize(out), sources.packets
    finally:
        if os.path.exists(out):
            os.unlink(out)
    return r


def speed_up(mine, source, peer, field):
    """How many times as fast as the peer."""
    return ratio(median([r[field] for r in pick(mine, source=source, program=peer)]),
                 median([r[field] for r in pick(mine, source=source, program='weir')]))


def report(row, results):
    mine = pick(results, row=row)
    rows = []
    for source in values_of(mine, 'source'):
        for program in values_of(pick(mine, source=source), 'program'):
            runs = pick(mine, source=source, program=program)
            wall = median([r['wall_s'] for r in runs])
            rows.append([program, source, spread([r['wall_s'] for r in runs]),
                         spread([r['cpu_s'] for r in runs]), number(runs[0]['packets'] / wall / 1e6),
                         number(runs[0]['written_bytes'] / 1e6, 0),
                         number(median([r['rss_mib'] for r in runs]), 0), len(runs)])
    head = ['program', 'source', 'wall s', 'CPU s', 'Mpkt/s', 'written MB', 'RSS MiB', 'runs']
    peer, must, aim = ('mergecap', 2, 2.2) if row == 10 else ('tcpdump -r -w', 1.0, 1.2)
    bounds = [Bound(f'{field} from a {source}, times as fast as {peer}',
                    speed_up(mine, source, peer, key), must, aim, is_least=True)
              for source in values_of(mine, 'source') for field, key in (('wall', 'wall_s'), ('CPU', 'cpu_s'))]
    return markdown(head, rows) + '\n\n' + bounds_table(bounds)
