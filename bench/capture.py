"""One recorder, once.

A measurement starts a recorder on vb, waits until its socket listens, floods it from va, gives it
a second, ends it by SIGINT, and compares what was sent with what it says it recorded (and, once
for each recorder, with what capinfos counts in its files)."""
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

import measure
import recorders
import rig

SETTLE_S = 1.0        # after the flood, before the end: no peer is blamed for how it stops
SAMPLE_S = 0.25
READY_S = 20
COUNT_BYTES = 2 << 30  # larger files are not counted again
READ_PART = 8
NOTHING = 'udp.DstPort == 1'
WEIR = 'weir'
# They end with whoever started them, however that ended.
HOG = '''import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(1000000):
        pass
'''
DISK_HOG = '''import os, sys
block = bytes(1 << 20)
while os.getppid() == int(sys.argv[1]):
    with open(sys.argv[2], 'wb', 0) as f:
        for _ in range(1024):
            f.write(block)
        os.fsync(f.fileno())
'''


class Context:
    """What every measurement needs."""

    def __init__(self, namespaces, folder, programs, found):
        self.rig, self.folder, self.programs = namespaces, folder, programs
        self.recorders = found  # by name


def flood(ctx, m, sample):
    """Calls sample() now and then while the sender runs."""
    words = [os.path.join(ctx.programs, 'bench-flood'), 'va', str(m['size']), str(m['rate']),
             str(m['seconds']), str(m.get('flows', 16))]
    sender = measure.Running(rig.in_netns(ctx.rig.a, words), ctx.folder, 'flood')
    try:
        while not sender.has_ended():
            sample()
            time.sleep(SAMPLE_S)
        if sender.process.returncode:
            raise sender.failed('could not send')
    finally:
        sender.kill()
    return recorders.last_object(sender.said()[0])


def capinfos_count(path):
    """Packets in a capture file, or in all segments of a store."""
    names = [path] if os.path.isfile(path) else sorted(glob.glob(os.path.join(path, '*.pcapng')))
    said = subprocess.run(['capinfos', '-T', '-r', '-M', '-c', *names], capture_output=True, text=True,
                          check=False)
    return sum(int(line.split('\t')[1]) for line in said.stdout.splitlines() if '\t' in line)


def start_hogs(folder, hogs):
    """Two CPU hogs and one that writes a GiB and syncs it, again and again."""
    pid = str(os.getpid())
    words = [[sys.executable, '-c', HOG, pid]] * 2
    words += [[sys.executable, '-c', DISK_HOG, pid, os.path.join(folder, 'hog')]]
    for i, w in enumerate(words):
        hogs.append(measure.Running(w, folder, f'hog{i}'))


def run_traffic(ctx, m, program, r):
    """The traffic of one measurement; returns how many packets were sent."""
    samples = []

    def sample():
        if m.get('kind') == 'store':
            samples.append((round(time.monotonic() - program.started, 2),
                            round(measure.cpu_now_s(program.pid), 4)))
    if not m['size']:
        time.sleep(m['seconds'])
        return 0
    beside = []
    try:
        if m.get('is_busy'):
            start_hogs(ctx.folder, beside)
            time.sleep(1)
        sent = flood(ctx, m, sample)
    finally:
        for hog in beside:
            hog.kill()
    r.update(pps=round(sent['pps']), send_ns=round(sent['cpu_s'] / max(1, sent['sent']) * 1e9))
    if samples:
        r['samples'] = samples
    time.sleep(SETTLE_S)
    r['rss_end_mib'] = round(measure.status_kib(program.pid, 'VmRSS') / 1024, 1)
    return sent['sent']


def record(ctx, m):
    """One recorder, once: m has recorder, size (0: no traffic), rate, seconds."""
    recorder, r = ctx.recorders[m['recorder']], dict(m)
    out = os.path.join(ctx.folder, recorder.output)
    program = measure.Running(rig.in_netns(ctx.rig.b, recorder.command(out)), ctx.folder, 'recorder')
    try:
        program.wait_until(measure.is_recording, READY_S)
        r['start_s'] = round(time.monotonic() - program.started, 3)
        r['start_cpu_s'] = round(measure.cpu_now_s(program.pid), 4)
        r['rss_start_mib'] = round(measure.status_kib(program.pid, 'VmRSS') / 1024, 1)
        r['sent'] = run_traffic(ctx, m, program, r)
        r['used_cpu_s'] = round(measure.cpu_now_s(program.pid) - r['start_cpu_s'], 4)
        r.update(program.finish(signal.SIGINT))
        take_counts(ctx, r, recorder, program.said(), out)
        if m.get('kind') == 'store':
            r['read'] = read_back(recorder.command('')[0], out, ctx.folder,
                                  recorders.last_object(program.said()[0]))
    finally:
        program.kill()
        remove(out)
        remove(os.path.join(ctx.folder, 'hog'))
        # What was freed may be discarded, and what was written flushed, at any time: not in the next run's.
        os.sync()
    return r


def take_counts(ctx, r, recorder, said, out):
    r['recorded'], r['dropped'] = recorder.recorded(said)
    if r['recorded'] is None:
        raise measure.Failed(f'{recorder.name}: said no count: {" ".join(said)[-300:]}')
    r['written_bytes'] = measure.size_of(out)
    if recorder.name.startswith(WEIR):
        r['stated_mib'] = round(recorders.weir_memory(said) / 2**20, 1)
        hashed = recorders.weir_hashes(out)
        r['segments'], r['hashed_inline'] = len(hashed), hashed.count('inline')
    if r['sent']:
        r['lost_percent'] = round(100 * (1 - min(1, r['recorded'] / r['sent'])), 4)
    if not r.get('round') and recorder.is_readable and 0 < r['written_bytes'] < COUNT_BYTES \
            and shutil.which('capinfos'):
        r['counted'] = capinfos_count(out)
        if r['counted'] != r['recorded']:
            raise measure.Failed(f'{recorder.name}: says {r["recorded"]} packets, its files have '
                                 f'{r["counted"]}')


def read_back(weir, store, folder, summary):
    """CPU a packet of an export that finds nothing, from the first part of a store and from all of it."""
    out, found = os.path.join(folder, 'read.pcapng'), []
    span = summary['last_ns'] - summary['first_ns']
    for to_ns in (summary['first_ns'] + span // READ_PART, summary['last_ns']):
        done = measure.run_once([weir, 'export', store, '--filter', NOTHING, '--to',
                                 f'@{to_ns // 10**9}.{to_ns % 10**9:09}', '-o', out], folder, 'export')
        remove(out)
        packets = recorders.number(r'of (\d+) packets', done['said'][1])
        if done['code'] or not packets:
            raise measure.Failed(f'weir export: {done["said"][1][-300:]}')
        found.append({'packets': packets, 'us_packet': round(done['cpu_s'] / packets * 1e6, 4),
                      'wall_s': done['wall_s']})
    return found


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)
