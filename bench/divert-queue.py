#!/usr/bin/env python3
"""Measures weir divert against other programs on NFQUEUE, interleaved, in one run.  Needs root.

usage: bench/divert-queue.py [--measures tcp,flood,rtt] [--variants NAME,...] [--rounds N]
                             [--seconds S] [--weir FILE] [--programs DIR] [--store DIR]

Namespaces of its own, `near` (the recorder) and `far` (the sender), joined by a veth:
  tcp     iperf3, one flow from far to near
  flood   64-byte UDP frames from far as fast as they go; verdicts a second, and what the queue dropped
  rtt     round trips of 64-byte datagrams, 200 us apart; each crosses the queue twice
Prints one JSON object for each run.  Variants: none (no queue), weir (a store, defaults), weir:OPTIONS
(with "+" for blanks), weir@FILE (another build), reference (bench/reference-queue.c), reference-copy, reference-disk, and from the directory that
the environment variable WEIR_BENCH_PEERS names: batch, batch+gso (nfqbench, nfqrule), python (nfqpy.py)."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NEAR, FAR = '10.99.7.2', '10.99.7.1'
PORT = '7199'


def text_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wait_until(is_true, seconds, what):
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            raise RuntimeError(what)
        time.sleep(0.01)


class Rig:
    def __init__(self):
        pid = os.getpid()
        self.near, self.far = f'weir-bench-n{pid}', f'weir-bench-f{pid}'
        self.near_if, self.far_if = f'bn{pid}', f'bf{pid}'

    def __enter__(self):
        for name in (self.near, self.far):
            text_of('ip', 'netns', 'add', name)
            text_of('ip', '-n', name, 'link', 'set', 'lo', 'up')
        text_of('ip', 'link', 'add', self.far_if, 'netns', self.far, 'type', 'veth', 'peer', 'name', self.near_if,
                'netns', self.near)
        for name, link, address in ((self.near, self.near_if, NEAR), (self.far, self.far_if, FAR)):
            text_of('ip', '-n', name, 'addr', 'add', f'{address}/24', 'dev', link)
            text_of('ip', '-n', name, 'link', 'set', link, 'up')
        links = json.loads(text_of('ip', '-n', self.near, '-j', 'link', 'show', self.near_if))
        self.mac = links[0]['address']
        return self

    def __exit__(self, *_):
        for name in (self.near, self.far):
            subprocess.run(['ip', 'netns', 'del', name], check=False)

    def enter(self, name):
        return ['nsenter', f'--net=/run/netns/{name}']

    def run(self, name, *command):
        return text_of(*self.enter(name), *command)

    def start(self, name, *command, **how):
        return subprocess.Popen(self.enter(name) + list(command), text=True, **how)


def cpu_of(pid):
    """Seconds of a process and its children that still run, by thread, in ns resolution."""
    total = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{task}/schedstat', encoding='ascii') as f:
                total += int(f.read().split()[0])
            with open(f'/proc/{pid}/task/{task}/children', encoding='ascii') as f:
                children = f.read().split()
        except FileNotFoundError:
            continue
        total += sum(int(cpu_of(child) * 1e9) for child in children)
    return total / 1e9


class Weir:
    def __init__(self, rig, a, program, words):
        self.folder = tempfile.mkdtemp(prefix='weir-bench-', dir=a.store)
        self.store = os.path.join(self.folder, 'store')
        self.p = rig.start(rig.near, program or a.weir, 'divert', '--user', 'root', '--json', *words,
                           *([] if '-w' in words else ['-o', self.store]),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: f'weir_{self.p.pid}_' in rig.run(rig.near, 'nft', 'list', 'tables') or
                   self.p.poll() is not None, 10, 'weir did not start')
        if self.p.poll() is not None:
            raise RuntimeError(self.p.stderr.read())
        self.cpu = cpu_of(self.p.pid)

    def stop(self):
        cpu = cpu_of(self.p.pid) - self.cpu
        begin = time.monotonic()
        self.p.send_signal(signal.SIGINT)
        end = json.loads(self.p.communicate()[0].splitlines()[-1])
        shutil.rmtree(self.folder)
        return {'packets': end['packets'], 'unrecorded': end['lost'], 'cpu_s': round(cpu, 3),
                'losses': {k: v['packets'] for k, v in end.get('losses', {}).items() if v['packets']},
                'stop_s': round(time.monotonic() - begin, 2)}


class Program:
    """Ends by itself after a while, prints JSON."""
    def __init__(self, rig, command, rules=None):
        self.rig, self.rules = rig, rules
        if rules:
            rig.run(rig.near, *rules)
        self.p = rig.start(rig.near, *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if 'ready' not in self.p.stderr.readline():
            raise RuntimeError(f'{command[0]} did not start')

    def stop(self):
        drops = 0
        if self.rules:
            table = self.rig.run(self.rig.near, 'cat', '/proc/net/netfilter/nfnetlink_queue')
            drops = sum(int(line.split()[5]) + int(line.split()[6]) for line in table.splitlines())
        r = json.loads(self.p.communicate()[0])
        if self.rules:
            self.rig.run(self.rig.near, 'nft', 'flush', 'ruleset')
        packets = r.get('packets', r.get('pkts'))
        cpu = r.get('cpu_s', r.get('us_pkt', 0) * packets / 1e6)
        return {'packets': packets, 'unrecorded': r.get('queue_drops', drops), 'unwritten': r.get('unwritten', 0),
                'cpu_s': round(cpu, 3)}


class Writing(Program):
    """The reference that writes what it copies to a file."""
    def __init__(self, rig, a, seconds):
        self.folder = tempfile.mkdtemp(prefix='weir-bench-', dir=a.store)
        super().__init__(rig, [f'{a.programs}/bench-reference-queue', str(seconds),
                               os.path.join(self.folder, 'ring')])

    def stop(self):
        try:
            return super().stop()
        finally:
            shutil.rmtree(self.folder)


class Nothing:
    def stop(self):
        return {}


def recorder(rig, a, name, seconds):
    kind, _, words = name.partition(':')
    if kind == 'none':
        return Nothing()
    if kind.partition('@')[0] == 'weir':
        return Weir(rig, a, kind.partition('@')[2], words.split('+') if words else [])
    if kind == 'reference-disk':
        return Writing(rig, a, seconds)
    if kind.startswith('reference'):
        return Program(rig, [f'{a.programs}/bench-reference-queue', str(seconds)] +
                       (['copy'] if kind == 'reference-copy' else []))
    rules = [f'{a.peers}/nfqrule', 'add', 'inet', '0', '1', '1', '300', '300']
    if kind == 'python':
        return Program(rig, [sys.executable, f'{a.peers}/nfqpy.py', '0', str(seconds)], rules)
    flags = 'g' if kind.endswith('+gso') else '-'
    return Program(rig, [f'{a.peers}/nfqbench', '0', str(seconds), kind.split('+')[0], '65535', flags, '1'], rules)


def tcp(rig, a, name):
    server = rig.start(rig.near, 'iperf3', '-s', '-1', stdout=subprocess.DEVNULL)
    wait_until(lambda: ':5201' in rig.run(rig.near, 'ss', '-Hltn'), 5, 'iperf3 did not start')
    r = recorder(rig, a, name, a.seconds + 0.3)
    out = json.loads(rig.run(rig.far, 'iperf3', '-c', NEAR, '-t', str(a.seconds), '-J'))
    result = r.stop()
    server.wait()
    end = out['end']
    return {'gbit_s': round(end['sum_received']['bits_per_second'] / 1e9, 3),
            'retransmits': end['sum_sent'].get('retransmits'), **result}


def flood(rig, a, name):
    r = recorder(rig, a, name, a.seconds + 0.2)
    sent = json.loads(rig.run(rig.far, f'{a.programs}/bench-divert-send', 'flood', rig.far_if, rig.mac, '64',
                              str(a.seconds), FAR, NEAR))
    result = r.stop()
    result['sent'] = sent['sent']
    result['verdicts_s'] = round(result.get('packets', 0) / sent['seconds'])
    return result


def rtt(rig, a, name):
    server = rig.start(rig.near, f'{a.programs}/bench-divert-send', 'echo', PORT, '10')
    wait_until(lambda: f':{PORT}' in rig.run(rig.near, 'ss', '-Hlun'), 5, 'the echo did not start')
    r = recorder(rig, a, name, 1.2)
    out = json.loads(rig.run(rig.far, f'{a.programs}/bench-divert-send', 'rtt', NEAR, PORT, '2500', '64', '200'))
    server.kill()
    server.wait()
    return {**out, **r.stop()}


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    p = argparse.ArgumentParser()
    p.add_argument('--measures', default='tcp,flood,rtt')
    p.add_argument('--variants')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--seconds', type=float, default=3)
    p.add_argument('--weir', default=f'{root}/build-bench/weir')
    p.add_argument('--programs', default=f'{root}/build-bench/bench')
    p.add_argument('--store', help='a directory of the disk to record to')
    a = p.parse_args()
    a.peers = os.environ.get('WEIR_BENCH_PEERS')
    if a.variants:
        variants = a.variants.split(',')
    else:
        variants = ['none', 'weir', 'reference', 'reference-copy', 'reference-disk']
        variants += ['batch', 'batch+gso', 'python'] if a.peers else []
    with Rig() as rig:
        for number in range(1, a.rounds + 1):
            for measure in a.measures.split(','):
                for name in variants:
                    if measure == 'flood' and name == 'none':
                        continue
                    result = {'measure': measure, 'round': number, 'variant': name,
                              **globals()[measure](rig, a, name), 'load': round(os.getloadavg()[0], 2)}
                    print(json.dumps(result), flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
