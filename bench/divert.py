"""Inline recording: rows 5 to 7.  bench/divert-queue.py makes each run, in namespaces of its own."""
import json
import os
import signal
import subprocess
import sys

import measure
from tables import Bound, bounds_table, markdown, median, median_of, number, pick, ratio, spread, values_of

HERE = os.path.dirname(os.path.abspath(__file__))
MOST_S = 30
MEASURES = {5: 'tcp', 6: 'flood', 7: 'rtt'}
FIELDS = {5: ('gbit_s', 'retransmits'), 6: ('verdicts_s',), 7: ('p50_us', 'p99_us')}


def plan(row, peers, only=()):
    """Of the variants that are here, those in `only`, where it names some."""
    variants = ['none', 'weir', 'reference']
    if row == 5:
        variants.append('reference-disk')
    if peers:
        variants += ['batch', 'batch+gso', 'python']
    if row == 6:
        variants.remove('none')
    return [{'variant': v} for v in variants if not only or v in only]


def run_group(words, environment):
    """A command, and where it takes too long or this program is ended, all that it has started."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=MOST_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(MOST_S)
            raise
        return process.returncode, out, err


def run_one(a, m, folder):
    """One run of one variant."""
    words = [sys.executable, '-B', os.path.join(HERE, 'divert-queue.py'), '--measures', MEASURES[m['row']],
             '--variants', m['variant'], '--rounds', '1', '--seconds', '1' if a.quick else '2',
             '--weir', a.weir, '--programs', a.programs, '--store', folder]
    code, out, err = run_group(words, dict(os.environ, WEIR_BENCH_PEERS=a.peers))
    if code or not out.strip():
        raise measure.Failed(f'{m["variant"]}: {err.strip()[-300:]}')
    found = json.loads(out.splitlines()[-1])
    for short in ('p50', 'p99'):
        if short in found:
            found[short + '_us'] = found.pop(short)
    return {**found, **m}


def added(mine, field, variant):
    """A round trip's time beyond that without a queue."""
    still, found = (median_of(mine, field, variant=v) for v in ('none', variant))
    return None if still is None or found is None else found - still


def bounds_of_tcp(mine):
    def to(peer):
        return ratio(median_of(mine, 'gbit_s', variant='weir'), median_of(mine, 'gbit_s', variant=peer))
    return [Bound('TCP to batch+gso', to('batch+gso'), 1.0, is_least=True),
            Bound('TCP to Python', to('python'), 15, is_least=True),
            Bound('TCP to no queue', to('none'), None, 0.75, is_least=True),
            Bound('TCP to our reference, which records nothing', to('reference'), None, 1.0, is_least=True),
            Bound('TCP to our reference, which writes its ring', to('reference-disk'), None, 1.0, is_least=True)]


def bounds_of_flood(mine):
    def to(peer):
        return ratio(median_of(mine, 'verdicts_s', variant='weir'),
                     median_of(mine, 'verdicts_s', variant=peer))
    passed = median_of(mine, 'unrecorded', variant='weir')
    return [Bound('verdicts a second to batch', to('batch'), 0.9, 1.2, is_least=True),
            Bound('verdicts a second to our reference', to('reference'), None, 1.0, is_least=True),
            Bound('packets not recorded in a flood', passed, 0, 0)]


def bounds_of_rtt(mine):
    return [Bound(f'added round trip, {name}, to {peer}', ratio(added(mine, field, 'weir'),
                                                                added(mine, field, peer)), must, aim)
            for peer in ('batch', 'reference')
            for name, field, must, aim in (('p50', 'p50_us', 1.1, 0.5), ('p99', 'p99_us', 1.3, 0.5))]


BOUNDS = {5: bounds_of_tcp, 6: bounds_of_flood, 7: bounds_of_rtt}


def report(row, results):
    mine, rows = pick(results, row=row), []
    for variant in values_of(mine, 'variant'):
        runs = pick(mine, variant=variant)
        packets = median([r.get('packets') for r in runs])
        cpu = [r['cpu_s'] / r['packets'] * 1e6 if r.get('packets') else None for r in runs]
        rows.append([variant, *(spread([r.get(f) for r in runs], 0 if row == 6 else 2) for f in FIELDS[row]),
                     number(packets, 0), number(median([r.get('unrecorded') for r in runs]), 0), spread(cpu),
                     len(runs)])
    head = ['variant', *FIELDS[row], 'packets', 'unrecorded', 'CPU us a packet', 'runs']
    return markdown(head, rows) + '\n\n' + bounds_table(BOUNDS[row](mine))
