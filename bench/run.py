#!/usr/bin/env python3
"""Measures weir against its peers, interleaved in one run, and prints a table for each row.

usage: bench/run.py [--rows 1,3] [--rounds N] [--quick] [--append] [--results FILE] [options]

Rows: 1, 2 cost of recording; 3 loss flat out; 4 a busy machine; 5 to 7 divert; 8 a file a packet;
9 hashing; 10, 11 exports; 12 memory; 13 growth; 14 attribution.
Every run is a line of JSON in the results file; --append adds to it (a run in slices), --tables
only prints what it holds.  $WEIR_BENCH_PEERS names a folder with further reference programs.
Needs root for rows 1 to 7, 9 and 12 to 14; the namespaces are its own and are removed at the end."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import attribution
import capture
import divert
import files
import measure
import reading
import recorders
import rig
import rows as rows_of_capture

CAPTURE_ROWS = (1, 2, 3, 4, 9, 12, 13)
DIVERT_ROWS = (5, 6, 7)
READING_ROWS = (10, 11)
ATTRIBUTION_ROWS = (14,)
ROOT_ROWS = (*CAPTURE_ROWS, *DIVERT_ROWS, *ATTRIBUTION_ROWS)
TITLES = {1: 'sniff: CPU at 100 kpps, 1500 B', 2: 'sniff: CPU at 100 kpps, small frames',
          3: 'sniff: loss flat out for 3 s', 4: 'sniff: a busy machine, 30 s',
          5: 'divert: TCP with everything recorded', 6: 'divert: a flood of 64 B',
          7: 'divert: round trips', 8: 'layouts files and pairs',
          9: 'sniff: SHA-256 while recording', 12: 'sniff: memory', 13: 'sniff: growth',
          10: 'export of everything to pcapng', 11: 'export with a filter that matches little',
          14: 'who sent it: what attribution adds'}
QUIET_S = 3  # a run waits so long for a machine that others use
ROUNDS = {2: 2, 3: 5, 4: 1, 5: 2, 6: 2, 9: 2, 12: 1, 13: 1, 14: 6}  # of a default run, which has to end within a quarter of an hour


def parse(words):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--rows', default=','.join(str(r) for r in TITLES))
    p.add_argument('--rounds', type=int, default=0, help='of each row (1 to 5, as the row needs)')
    p.add_argument('--quick', action='store_true', help='short runs, one round: does it work at all')
    p.add_argument('--weir', default='build-bench/weir')
    p.add_argument('--programs', default='build-bench/bench', help="the benchmark's own, built")
    p.add_argument('--peers', default=os.environ.get('WEIR_BENCH_PEERS', ''))
    p.add_argument('--only', default='', help='recorders or variants, by name, with commas between')
    p.add_argument('--wait', type=float, default=QUIET_S, help='seconds to wait for a quiet machine before a run')
    p.add_argument('--kinds', default='', help='of row 13: rate, flows, store')
    p.add_argument('--sizes', default='', help='of frames, in rows 1 to 4')
    p.add_argument('--variant', action='append', default=[], metavar='weir-NAME=OPTIONS',
                   help='weir once more, called with these options')
    p.add_argument('--results', default='build-bench/results.jsonl')
    p.add_argument('--append', action='store_true')
    p.add_argument('--tables', action='store_true', help='measure nothing')
    p.add_argument('--work', default=None, help='folder for what is recorded, on a disk (temporary)')
    a = p.parse_args(words)
    a.rows = [int(r) for r in a.rows.split(',')]
    a.only = [name for name in a.only.split(',') if name]
    a.kinds = [name for name in a.kinds.split(',') if name]
    a.sizes = [int(s) for s in a.sizes.split(',') if s]
    unknown = [r for r in a.rows if r not in TITLES]
    if unknown:
        p.error(f'row {unknown[0]}: known are {", ".join(str(r) for r in TITLES)}')
    a.weir, a.programs = os.path.abspath(a.weir), os.path.abspath(a.programs)
    return a


def machine():
    """In general words: what the figures depend on."""
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as f:
        models = [line.split(':', 1)[1].strip() for line in f if line.startswith('model name')]
    with open('/proc/meminfo', encoding='ascii') as f:
        memory = int(f.readline().split()[1]) >> 20
    return (f'{os.cpu_count()} cores ({models[0] if models else os.uname().machine}), {memory} GiB, '
            f'Linux {os.uname().release}')


def rounds_of(a, row):
    if a.quick:
        return 1
    if a.rounds:
        return a.rounds
    return ROUNDS.get(row, 3)


class Log:
    """The results, and the file that keeps them."""

    def __init__(self, path, is_appended):
        self.path, self.results = path, []
        if is_appended and os.path.exists(path):
            with open(path, encoding='utf-8') as f:
                self.results = [json.loads(line) for line in f]
        elif not is_appended:
            open(path, 'w', encoding='utf-8').close()

    def add(self, result):
        self.results.append(result)
        with open(self.path, 'a', encoding='utf-8') as f:
            f.write(json.dumps(result) + '\n')


def run_rounds(a, row, log, plan, execute):
    """All measurements of a row, in turn, round after round."""
    plan = [m for m in plan if not a.kinds or m.get('kind') in ('idle', *a.kinds)]
    before = 1 + max((r['round'] for r in log.results if r['row'] == row), default=-1)
    for number in range(before, before + rounds_of(a, row)):
        for m in plan:
            if m.get('kind') in ('idle', *attribution.SELDOM) and number >= 3:
                continue
            m = dict(m, row=row, round=number, idle_before=measure.wait_for_quiet(0 if a.quick else a.wait))
            try:
                log.add(execute(m))
            except (measure.Failed, OSError, ValueError, subprocess.SubprocessError) as e:
                print(f'row {row}, round {number}: {e}', file=sys.stderr)
                log.add(dict(m, failed=str(e)))


def run_capture(a, rows, log, folder):
    found = recorders.all_recorders(a.weir, a.programs, a.peers, a.variant)
    if a.only:
        found = {n: r for n, r in found.items() if n in a.only}
    with rig.Rig() as namespaces:
        ctx = capture.Context(namespaces, folder, a.programs, found)
        for row in rows:
            plan = rows_of_capture.plan(row, found, 0.1 if a.quick else 1, a.sizes)
            run_rounds(a, row, log, plan, lambda m: capture.record(ctx, m))


def run_reading(a, rows, log, folder):
    packets = 20000 if a.quick else 1050000
    sources = reading.Sources(a.weir, folder, packets)
    for row in rows:
        run_rounds(a, row, log, reading.plan(row, sources), lambda m: reading.measure_one(sources, m))


def run_divert(a, rows, log, folder):
    for row in rows:
        run_rounds(a, row, log, divert.plan(row, a.peers, a.only), lambda m: divert.run_one(a, m, folder))


def run_files(a, rows, log, folder):
    made = files.Files(a.weir, a.programs, folder, 500 if a.quick else 10000)
    for row in rows:
        run_rounds(a, row, log, made.plan(), made.measure_one)


def run_attribution(a, rows, log, folder):
    with rig.Rig() as namespaces:
        bench = attribution.Bench(a.weir, a.programs, namespaces, folder)
        for row in rows:
            run_rounds(a, row, log, attribution.plan(a.quick), bench.measure_one)


KINDS = ((CAPTURE_ROWS, run_capture, rows_of_capture), (DIVERT_ROWS, run_divert, divert),
         ((8,), run_files, files), (READING_ROWS, run_reading, reading),
         (ATTRIBUTION_ROWS, run_attribution, attribution))


def run_all(a, log):
    if a.work:
        os.makedirs(a.work, exist_ok=True)
    folder = tempfile.mkdtemp(prefix='weir-bench.', dir=a.work)
    try:
        for rows, execute, _ in KINDS:
            wanted = [r for r in a.rows if r in rows]
            if os.geteuid() != 0 and any(r in ROOT_ROWS for r in wanted):
                print(f'rows {wanted} need root: left out', file=sys.stderr)
            elif wanted:
                execute(a, wanted, log, folder)
    finally:
        shutil.rmtree(folder)


def print_tables(a, log):
    good = [r for r in log.results if 'failed' not in r]
    version = subprocess.run([a.weir, '--version'], capture_output=True, text=True, check=False)
    print(f'{machine()}; {version.stdout.strip()}; load {os.getloadavg()[0]:.1f}')
    for row in a.rows:
        if not any(r['row'] == row for r in good):
            continue
        print(f'\n### {row}. {TITLES[row]}\n')
        print(next(module for rows, _, module in KINDS if row in rows).report(row, good))
    disturbed = [r for r in good if r.get('idle_before', 1) < 0.8]
    print(f'\n{len(good)} runs; {len(disturbed)} began while others used more than a fifth of the processors')
    failed = [r for r in log.results if 'failed' in r]
    if failed:
        print(f'\n{len(failed)} runs failed: {failed[0]["failed"]}')
    return 1 if failed else 0


def main():
    a = parse(sys.argv[1:])
    rig.end_on_signals()
    log = Log(a.results, a.append or a.tables)
    if not a.tables:
        run_all(a, log)
    return print_tables(a, log)


if __name__ == '__main__':
    sys.exit(main())
