"""What it costs to know whose packets they are: row 14.

flows: two recorders at once, one with and one without --no-attribution, each in a namespace of its own with
a sender whose 1,000 sockets stay open.  Short bursts of 100,000 packets a second go to the one and the other in
turn (A B B A), and the CPU of the recorder that a burst takes, less what the same time without packets takes, is
the figure.  Which namespace has which recorder changes with each round.  Who is running is found out by a
process and a thread of their own, whose work comes with each program that is started on the machine, and with no
packet: their CPU is a figure of its own, for each process started.
cycles: 10,000 connections made and closed on loopback beside a recorder of that interface, first with and then
without, the next round the other way round: the wall time, and the CPU of client and server with all that the
kernel does in their name, eBPF programs included.  Both ends are of this machine, so all is told twice.
outside: the same with a server in another namespace, which is another machine to the recorder.
program: cycles again, the client a program in Python (bench/cycles.py), whose own work between its calls is part
of the time.
programs: the same two loads while the kernel counts the time of the eBPF programs; by itself, for counting
takes time too.
tuples: what the recorder holds after packets to 1,000,000 addresses and ports, and what it counted as put out."""
import glob
import json
import os
import statistics
import subprocess
import sys
import time

from measure import Failed, Running, is_recording, status_kib
from paired import Estimate, of_round
from rig import in_netns, run
from tables import Bound, bounds_table, markdown, median, number, pick

FLOWS, RATE, CYCLES, TUPLES = 1000, 100000, 10000, 1000000
TUPLE_RATE = 200000
PAYLOADS = (64, 470, 1458)  # frames of 106, 512 and 1500 bytes
WAYS = {'on': [], 'off': ['--no-attribution']}
BURST = 40000          # packets: 0.4 s
PAIRS = 4              # of a round and payload
TAKES = 5              # of the cycles of a round and way, after one that counts for nothing
MOST_PERCENT = {'flows': 15, 'cycles': 10, 'outside': 10, 'program': 10}
MOST_GROWN_MIB = 24    # its tables, which it holds from the start on, and touches as it needs them
SELDOM = ('programs', 'tuples')  # not in each round
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cycles.py')
STATS = '/proc/sys/kernel/bpf_stats_enabled'


def plan(quick=False):
    flows = [{'kind': 'flows', 'pairs': 1 if quick else PAIRS, 'burst': BURST // (10 if quick else 1)}]
    cycles = [{'kind': kind, 'cycles': CYCLES // (20 if quick else 1)} for kind in ('cycles', 'outside', 'program')]
    once = [{'kind': 'programs', 'cycles': CYCLES // (20 if quick else 1), 'burst': BURST // (10 if quick else 1)},
            {'kind': 'tuples', 'tuples': TUPLES // (20 if quick else 1)}]
    return flows + cycles + once


NAMING = 'weir-process'  # the thread, and the child, that find out who is running


def children(pid):
    found = []
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/children', encoding='ascii') as f:
            found += [int(p) for p in f.read().split()]
    return found


def cpu_s(pid):
    """(of its packets, of naming): to the nanosecond, for a tick is a tenth of it."""
    packets = naming = 0
    for task in glob.glob(f'/proc/{pid}/task/*'):
        try:
            with open(f'{task}/comm', encoding='ascii') as f:
                is_naming = f.read().strip() == NAMING
            with open(f'{task}/schedstat', encoding='ascii') as f:
                used = int(f.read().split()[0]) / 1e9
        except OSError:
            continue
        packets, naming = packets + (not is_naming) * used, naming + is_naming * used
    for child in children(pid):
        naming += sum(cpu_s(child))
    return packets, naming


def processes_started():
    """On this machine since it runs."""
    with open('/proc/stat', encoding='ascii') as f:
        return int(next(line.split()[1] for line in f if line.startswith('processes ')))


def rss_mib(pid):
    return sum(status_kib(p, 'VmRSS') for p in (pid, *children(pid))) // 1024


def last_line(store):
    with open(os.path.join(store, 'manifest.jsonl'), encoding='utf-8') as f:
        return json.loads(f.readlines()[-1])


class Recorder:
    """weir sniff in a namespace, ended with the block it is used in; `end` is its manifest's last line then."""

    def __init__(self, weir, netns, device, way, folder):
        self.store = os.path.join(folder, f'store-{way}')
        self.folder, self.way, self.end = folder, way, None
        self.words = in_netns(netns, [weir, 'sniff', '-i', device, '-o', self.store, '-q', '--json',
                                      '--user', 'root', *WAYS[way]])

    def __enter__(self):
        self.program = Running(self.words, self.folder, f'weir-{self.way}')
        try:
            self.program.wait_until(is_recording, 60)
        except BaseException:
            self.program.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.program.finish(2)
                self.end = last_line(self.store)
        finally:
            self.program.kill()
            run(['rm', '-rf', self.store])

    def cpu_s(self):
        return cpu_s(self.program.pid)[0]

    def naming_s(self):
        return cpu_s(self.program.pid)[1]

    def rss_mib(self):
        return rss_mib(self.program.pid)

    def programs_ns(self):
        """Of the eBPF programs that it holds, as the kernel counts them: {tag: (ns, runs)}."""
        found = {}
        for path in glob.glob(f'/proc/{self.program.pid}/fdinfo/*'):
            try:
                with open(path, encoding='ascii') as f:
                    facts = dict(line.rstrip().split(':\t', 1) for line in f if ':\t' in line)
            except OSError:
                continue
            if 'run_time_ns' in facts:
                found[facts['prog_id']] = int(facts['run_time_ns']), int(facts['run_cnt'])
        return sum(ns for ns, _ in found.values()), sum(count for _, count in found.values())


class Sender:
    """The sockets of bench-sockets bursts."""

    def __init__(self, program, netns):
        self.process = subprocess.Popen(in_netns(netns, [program, 'bursts', '10.8.0.9', '9', str(FLOWS),
                                                         str(RATE)]),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed('the sender ended')
        return json.loads(line)

    def burst(self, packets, payload):
        self.process.stdin.write(f'{packets} {payload}\n')
        self.process.stdin.flush()
        return self.answer()


def prepare(netns):
    """An interface of the namespace's own, on which nobody else sends: its other end is here too, where
    nothing looks at it.  Nobody answers: the frames are for another machine."""
    ip = ['ip', '-n', netns]
    run([*ip, 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'two'])
    for device in ('one', 'two'):
        run([*ip, 'link', 'set', device, 'addrgenmode', 'none'])
        run([*ip, 'link', 'set', device, 'up'])
    run([*ip, 'address', 'add', '10.8.0.1/24', 'dev', 'one'])
    run([*ip, 'neighbour', 'replace', '10.8.0.9', 'lladdr', '02:00:00:00:00:09', 'dev', 'one'])
    run([*ip, 'route', 'replace', '10.8.1.0/24', 'via', '10.8.0.9'])


def cost_of(recorder, sender, packets, payload):
    """CPU of one burst; what is still in the kernel's ring belongs to it."""
    before = recorder.cpu_s()
    began = time.monotonic()
    if sender:
        sender.burst(packets, payload)
    else:
        time.sleep(packets / RATE)
    time.sleep(0.15)
    return recorder.cpu_s() - before, time.monotonic() - began


def us_a_packet(recorder, sender, packets, payload):
    idle, idle_wall = cost_of(recorder, None, packets // 2, payload)
    cpu, wall = cost_of(recorder, sender, packets, payload)
    return (cpu - idle / idle_wall * wall) / packets * 1e6


def settle(recorder, most=30):
    """The look at what was there before, at who is running, and the taking of memory are a matter of starting."""
    time.sleep(1)
    for _ in range(most):
        before = sum(cpu_s(recorder.program.pid))
        time.sleep(0.3)
        if sum(cpu_s(recorder.program.pid)) - before < 0.03:
            return


class Bench:
    def __init__(self, weir, programs, rig, folder):
        self.weir, self.sockets, self.rig, self.folder = weir, os.path.join(programs, 'bench-sockets'), rig, folder
        for netns in (rig.a, rig.b):
            prepare(netns)

    def measure_one(self, m):
        return {**m, **getattr(self, m['kind'])(m)}

    def flows(self, m):
        ends = [(self.rig.a, 'one'), (self.rig.b, 'one')]
        on, off = ends if m['round'] % 2 == 0 else ends[::-1]
        with Sender(self.sockets, on[0]) as send_on, Sender(self.sockets, off[0]) as send_off, \
                Recorder(self.weir, *on, 'on', self.folder) as rec_on, \
                Recorder(self.weir, *off, 'off', self.folder) as rec_off:
            settle(rec_on)
            settle(rec_off)
            sides = {'on': (rec_on, send_on), 'off': (rec_off, send_off)}
            for recorder, sender in sides.values():
                for payload in PAYLOADS:
                    cost_of(recorder, sender, m['burst'] // 4, payload)
            named, before = rec_on.naming_s(), processes_started()
            out = {str(payload): [self.pair(sides, m['burst'], payload, n) for n in range(m['pairs'])]
                   for payload in PAYLOADS}
            out |= {'naming_s': rec_on.naming_s() - named, 'processes': processes_started() - before}
        for recorder in (rec_on, rec_off):
            if recorder.end['lost']:
                raise Failed('packets were lost: their cost is not known')
        if rec_on.end['attribution']['exact_packets'] < rec_on.end['packets'] * 0.99:
            raise Failed(f'not all packets are known: {rec_on.end["attribution"]}')
        return {'found': out}

    @staticmethod
    def pair(sides, packets, payload, number_of_pair):
        """A B, the next time B A."""
        figures = {}
        for way in ('on', 'off') if number_of_pair % 2 == 0 else ('off', 'on'):
            figures[way] = us_a_packet(*sides[way], packets, payload)
        return [figures['on'], figures['off']]

    def cycles_beside(self, way, device, words):
        with Recorder(self.weir, self.rig.a, device, way, self.folder) as recorder:
            settle(recorder)
            run(words)
            before = recorder.cpu_s()
            done = [json.loads(run(words)) for _ in range(TAKES)]
            used = (recorder.cpu_s() - before) / TAKES
        return {f: statistics.median([d[f] for d in done]) for f in ('wall_s', 'cpu_s')} | {'recorder_cpu_s': used}

    def in_turn(self, m, device, words):
        order = ('on', 'off') if m['round'] % 2 == 0 else ('off', 'on')
        done = {way: self.cycles_beside(way, device, in_netns(self.rig.a, words)) for way in order}
        return {'found': {f: [[done['on'][f], done['off'][f]]] for f in ('wall_s', 'cpu_s', 'recorder_cpu_s')}}

    def cycles(self, m):
        return self.in_turn(m, 'lo', [self.sockets, 'cycles', str(m['cycles'])])

    def outside(self, m):
        return self.in_turn(m, 'va', [self.sockets, 'cycles', str(m['cycles']), '10.9.0.2',
                                      f'/run/netns/{self.rig.b}'])

    def program(self, m):
        with subprocess.Popen(in_netns(self.rig.a, [self.sockets, 'server']), stdout=subprocess.PIPE,
                              text=True) as server:
            try:
                port = server.stdout.readline().strip()
                return self.in_turn(m, 'lo', [sys.executable, PROGRAM, port, str(m['cycles'])])
            finally:
                server.kill()

    def programs(self, m):
        if not os.path.exists(STATS):
            return {'found': {}}
        with open(STATS, encoding='ascii') as f:
            before = f.read()
        try:
            with open(STATS, 'w', encoding='ascii') as f:
                f.write('1')
            return {'found': self.counted(m)}
        finally:
            with open(STATS, 'w', encoding='ascii') as f:
                f.write(before)

    def counted(self, m):
        found = {}
        with Sender(self.sockets, self.rig.a) as sender, \
                Recorder(self.weir, self.rig.a, 'one', 'on', self.folder) as recorder:
            settle(recorder)
            sender.burst(m['burst'] // 4, 64)
            before = recorder.programs_ns()[0]
            sender.burst(m['burst'], 64)
            found['ns_a_packet'] = (recorder.programs_ns()[0] - before) / m['burst']
            before = recorder.programs_ns()[0]
            run(in_netns(self.rig.a, [self.sockets, 'cycles', str(m['cycles'])]))
            found['us_a_cycle'] = (recorder.programs_ns()[0] - before) / m['cycles'] / 1e3
        return found

    def tuples(self, m):
        with Recorder(self.weir, self.rig.a, 'one', 'on', self.folder) as recorder:
            settle(recorder)
            before = recorder.rss_mib()
            out = json.loads(run(in_netns(self.rig.a, [self.sockets, 'tuples', '10.8.1.1', str(m['tuples']),
                                                       str(TUPLE_RATE)])))
            time.sleep(0.2)
            after = recorder.rss_mib()
        return {'found': {'sent': out['sent'], 'rss_before_mib': before, 'rss_mib': after,
                          'packets': recorder.end['packets'], **recorder.end['attribution']}}


def estimate(results, kind, field):
    return Estimate([of_round(r['found'].get(field, [])) for r in pick(results, kind=kind)])


def medians(results, kind, field):
    """(with, without), of all pairs."""
    pairs = [p for r in pick(results, kind=kind) for p in r['found'].get(field, [])]
    return [number(statistics.median(side), 3) for side in zip(*pairs)] or ['-', '-']


FIGURES = (('flows', '64', 'CPU us a packet, 106 B'), ('flows', '470', 'CPU us a packet, 512 B'),
           ('flows', '1458', 'CPU us a packet, 1500 B'),
           ('outside', 'wall_s', 'connect-close to outside, wall s'),
           ('outside', 'cpu_s', 'the same, CPU s of both ends'),
           ('program', 'wall_s', 'connect-close by a client in Python, wall s'),
           ('program', 'cpu_s', 'the same, CPU s of the client'),
           ('cycles', 'wall_s', 'connect-close on loopback, wall s'),
           ('cycles', 'cpu_s', 'the same, CPU s of both ends'))


def bounds(mine):
    floods = [r['found'] for r in pick(mine, kind='tuples')]
    grown = median([f['rss_mib'] - f['rss_before_mib'] for f in floods])
    missing = median([max(0, f['sent'] - f['evicted_tuples'] - f['tuples'] - f['lost_events']) for f in floods])
    return [Bound('a flood of tuples: memory grown, MiB', grown, MOST_GROWN_MIB),
            Bound('a flood of tuples: neither held nor counted', missing, 0)]


def report(row, results):
    mine, rows, both = pick(results, row=row), [], []
    for kind, field, what in FIGURES:
        e = estimate(mine, kind, field)
        rows.append(e.cells(what, MOST_PERCENT[kind]))
        both.append([what, *medians(mine, kind, field)])
    both += [[f'connect-close {what}, CPU s of the recorder', *medians(mine, kind, 'recorder_cpu_s')]
             for kind, what in (('outside', 'to outside'), ('program', 'by a client in Python'),
                                ('cycles', 'on loopback'))]
    text = markdown(['what attribution adds', 'median %', '95 % interval', 'rounds', 'at most', 'verdict'], rows)
    text += '\n\n' + markdown(['median', 'with', 'without'], both)
    named = [r['found'] for r in pick(mine, kind='flows') if r['found'].get('processes')]
    if named:
        text += '\n\n' + markdown(['naming', 'found'], [
            ['CPU us a process started', number(median([f['naming_s'] / f['processes'] * 1e6 for f in named]), 0)],
            ['processes started meanwhile', sum(f['processes'] for f in named)]])
    counted = [r['found'] for r in pick(mine, kind='programs') if r['found']]
    if counted:
        text += '\n\n' + markdown(['eBPF programs', 'found'], [
            ['ns a packet', number(median([f['ns_a_packet'] for f in counted]), 0)],
            ['us a connect-close', number(median([f['us_a_cycle'] for f in counted]), 2)]])
    return text + '\n\n' + bounds_table(bounds(mine))

