"""A file, or a pair of files, for each packet: row 8.

Weir imports a capture file into the layout; the peers are a C loop and the Python that wrote such
files before.  What weir needs for a file without packets is taken off.
A store that is closed is on the disk: the bounds are to the loop that syncs, as weir does.
Each run has a folder of its own, and all are removed at the end: right after a removal
ext4 makes files several times slower."""
import os
import struct
import sys

import measure
import recorders
from tables import Bound, bounds_table, markdown, median, median_of, number, pick, ratio, spread, values_of

SIZE = 512
SYNCED = 'C loop, synced'  # a store that is closed is on the disk
PROTOTYPE = '''import json, os, sys, time
class Packet:
    raw = bytes(range(256)) * 2
    def __str__(self):
        return ("Packet({'direction': 1, 'dst_addr': '10.9.0.2', 'dst_port': 443, 'src_addr': '10.9.0.1', "
                f"'src_port': 51234, 'raw': {self.raw!r}}})")
folder, count, packet = sys.argv[1], int(sys.argv[2]), Packet()
os.mkdir(folder)
start = time.monotonic()
for _ in range(count):
    with open(os.path.join(folder, f"{time.time_ns()}.pkt"), "w") as f:
        f.write(str(packet))
print(json.dumps({"packets": count, "seconds": time.monotonic() - start}))
'''


def make_pcap(path, packets):
    frame = b'\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0' + bytes(SIZE - 14)
    with open(path, 'wb', 1 << 20) as f:
        f.write(struct.pack('<IHHIIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for i in range(packets):
            f.write(struct.pack('<IIII', 1700000000 + i // 10**6, i % 10**6 * 1000, SIZE, SIZE) + frame)


class Files:
    def __init__(self, weir, programs, folder, packets):
        self.weir, self.folder, self.packets, self.count = weir, folder, packets, 0
        self.reference = os.path.join(programs, 'bench-reference-files')
        self.pcap, self.empty = (os.path.join(folder, name) for name in ('files.pcap', 'empty.pcap'))
        make_pcap(self.pcap, packets)
        make_pcap(self.empty, 0)

    def plan(self):
        return [{'layout': layout, 'program': program}
                for layout, programs in (('files', ('weir', 'C loop', SYNCED, 'Python')),
                                         ('pairs', ('weir', 'C loop', SYNCED)))
                for program in programs]

    def words(self, m, out):
        if m['program'] == 'Python':
            return [sys.executable, '-c', PROTOTYPE, out, str(self.packets)]
        more = ['sync'] if m['program'] == SYNCED else []
        return [self.reference, out, str(self.packets), str(SIZE), m['layout'], *more]

    def weir_import(self, m, pcap):
        words = [self.weir, 'import', pcap, '-o', self.new_folder(), '--layout', m['layout'], '--json', '-q']
        return self.run(m, words)

    def new_folder(self):
        self.count += 1
        return os.path.join(self.folder, f'run{self.count}')

    def run(self, m, words):
        found = measure.run_once(words, self.folder)
        if found['code']:
            raise measure.Failed(f'{m["program"]}: {" ".join(found["said"])[-300:]}')
        found.update(recorders.last_object(found['said'][0]))
        return found

    def measure_one(self, m):
        if m['program'] == 'weir':
            start, found = self.weir_import(m, self.empty), self.weir_import(m, self.pcap)
            found['seconds'] = max(1e-6, found['wall_s'] - start['wall_s'])
            found['cpu_s'] = max(0, found['cpu_s'] - start['cpu_s'])
        else:
            found = self.run(m, self.words(m, self.new_folder()))
        if found['packets'] != self.packets:
            raise measure.Failed(f'{m["program"]}: {found["packets"]} of {self.packets} packets')
        return dict(m, cpu_s=round(found['cpu_s'], 4), seconds=round(found['seconds'], 4),
                    packets=self.packets, pps=round(self.packets / found['seconds']))


def bounds(mine):
    def to(layout, peer):
        return ratio(median_of(mine, 'pps', layout=layout, program='weir'),
                     median_of(mine, 'pps', layout=layout, program=peer))
    return [Bound('files a second to the C loop, synced', to('files', SYNCED), None, is_least=True),
            Bound('files a second to the C loop', to('files', 'C loop'), 0.9, 1.2, is_least=True),
            Bound('files a second to Python', to('files', 'Python'), 3, is_least=True),
            Bound('pairs a second to the two-file loop, synced', to('pairs', SYNCED), None, is_least=True),
            Bound('pairs a second to the two-file loop', to('pairs', 'C loop'), 0.9, 1.2, is_least=True)]


def report(_, results):
    mine, rows = pick(results, row=8), []
    for layout in values_of(mine, 'layout'):
        for program in values_of(pick(mine, layout=layout), 'program'):
            runs = pick(mine, layout=layout, program=program)
            rows.append([f'{program}, {layout}', SIZE, spread([r['pps'] for r in runs], 0),
                         spread([r['cpu_s'] / r['packets'] * 1e6 for r in runs], 1),
                         number(median([r['packets'] for r in runs]), 0), len(runs)])
    head = ['program', 'packet B', 'packets/s', 'CPU us a packet', 'packets', 'runs']
    return markdown(head, rows) + '\n\n' + bounds_table(bounds(mine))
