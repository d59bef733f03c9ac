"""Cases of bench/*.py's pure parts.  usage: bench-cases.py SOURCE_ROOT CASE; ends with 0 when it holds."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(sys.argv[1], 'bench'))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import attribution
import divert
import files
import paired
import reading
import recorders
import rows
import run
import tables


def equal(got, want):
    if got != want:
        sys.exit(f'got {got!r}, want {want!r}')


def median():
    equal(tables.median([3, 1, 2]), 2)
    equal(tables.median([1, None, 3]), 2)
    equal(tables.median([None]), None)


def ratio():
    equal(tables.ratio(3, 2), 1.5)
    equal(tables.ratio(3, 0), None)
    equal(tables.ratio(None, 2), None)


def spread():
    equal(tables.spread([1, 2, 3]), '2.00 (1.00-3.00)')
    equal(tables.spread([1.001, 1.002]), '1.00')
    equal(tables.spread([]), '-')
    equal(tables.number(1234567, 0), '1,234,567')


def markdown():
    equal(tables.markdown(['a', 'b'], [['x', 1]]), '| a | b |\n|---|---:|\n| x | 1 |')


def bound():
    equal(tables.Bound('x', 1.0, 1.3, 1.0).verdict(), 'aim')
    equal(tables.Bound('x', 1.2, 1.3, 1.0).verdict(), 'must')
    equal(tables.Bound('x', 1.4, 1.3, 1.0).verdict(), 'NOT REACHED')
    equal(tables.Bound('x', None, 1.3).verdict(), 'not measured')
    equal(tables.Bound('x', 1.9, 2, 2.2, is_least=True).verdict(), 'NOT REACHED')
    equal(tables.Bound('x', 2.3, 2, 2.2, is_least=True).verdict(), 'aim')
    equal(tables.Bound('x', 5.0, None, 1).verdict(), 'below the aim')
    equal(tables.Bound('x', 5.0, None).verdict(), '')
    equal(tables.Bound('x', 5.0, None, 1).cells(), ['x', '5.00', '', '1', 'below the aim'])


def capture_run(name, cpu, **more):
    return {'row': 1, 'recorder': name, 'size': 1500, 'rate': 100000, 'pps': 99990, 'cpu_s': cpu,
            'start_cpu_s': 0.1, 'recorded': 100000, 'lost_percent': 0.0, 'rss_mib': 60, 'stop_s': 0.1,
            **more}


def cost():
    """Start-up of the run itself is taken off, and what runs without traffic cost after it."""
    idle = capture_run('weir', 0.13, kind='idle', size=0)
    equal(round(rows.cost(capture_run('weir', 0.23), [idle]), 6), 1.0)
    equal(rows.cost(capture_run('weir', 0.11), [idle]), 0)
    equal(rows.cost(capture_run('weir', 0.23, recorded=0), [idle]), None)


def hash_later():
    """Hashing behind the recording is no part of its cost; and that is what the bounds speak of."""
    later = capture_run(recorders.HASH_LATER, 1.1, used_cpu_s=0.2)
    equal(round(rows.cost(later, []), 6), 2.0)
    mine = [capture_run('weir', 1.1), later, capture_run('inplace', 0.2)]
    equal(round(rows.cost_ratio(mine, mine, 1500, ('inplace',)), 6), 2.0)


def cheapest():
    """The ratio is to the cheaper peer, and nothing below the error counts."""
    mine = [capture_run('weir', 0.2), capture_run('inplace', 0.3), capture_run('ringcap direct', 0.15)]
    both = ('inplace', 'ringcap direct')
    equal(round(rows.cost_ratio(mine, mine, 1500, both), 6), 2.0)
    equal(rows.cost_ratio(mine, mine, 64, both), None)
    none = [capture_run('weir', 0.1), capture_run('inplace', 0.1)]
    equal(rows.cost_ratio(none, none, 1500, both), 1.0)


def cost_report():
    results = [capture_run('weir', 0.2), capture_run('inplace', 0.2), capture_run('dumpcap -B 64', 2.1)]
    text = rows.report(1, results)
    for line in ('| weir | 1500 | 16 | 100 | 0.00 | 1.000 | 60 | 0.10 | 1 |',
                 '| CPU a packet at 1500 B to inplace | 1.00 | at most 1.3 | 1 | aim |',
                 '| CPU a packet at 1500 B to dumpcap -B 64 | 0.05 | at most 0.2 | 0.05 | aim |',
                 '| CPU a packet at 1500 B to tcpdump -B 65536 | - | at most 0.3 | 0.1 | not measured |'):
        if line not in text.splitlines():
            sys.exit(f'no line {line!r} in:\n{text}')


def loss_report():
    lost = [0, 0, 0, 0.5, 0]
    mine = [capture_run('weir', 0.2, row=3, rate=0, lost_percent=v) for v in lost]
    bounds = {b.what: b for b in rows.bounds_of_loss(3, mine, mine)}
    equal(bounds['rounds of 5 without loss at 1500 B'].verdict(), 'must')
    equal(bounds['most lost in a round at 1500 B'].verdict(), 'must')
    equal(bounds['rounds of 5 without loss at 64 B'].verdict(), 'not measured')


def divert_report():
    """What a queue adds is what is compared, not the whole of a round trip."""
    def trip(variant, p50):
        return {'row': 7, 'variant': variant, 'p50_us': p50, 'p99_us': 2 * p50, 'packets': 10,
                'unrecorded': 0, 'cpu_s': 0.001}
    results = [trip('none', 20), trip('batch', 100), trip('weir', 60)]
    text = divert.report(7, results)
    for line in ('| weir | 60.00 | 120.00 | 10 | 0 | 100.00 | 1 |',
                 '| added round trip, p50, to batch | 0.50 | at most 1.1 | 0.5 | aim |',
                 '| added round trip, p50, to reference | - | at most 1.1 | 0.5 | not measured |'):
        if line not in text.splitlines():
            sys.exit(f'no line {line!r} in:\n{text}')
    equal([m['variant'] for m in divert.plan(6, '', ['weir', 'none'])], ['weir'])


def files_report():
    def made(layout, program, pps):
        return {'row': 8, 'layout': layout, 'program': program, 'pps': pps, 'cpu_s': 1, 'packets': 1000}
    text = files.report(8, [made('files', 'weir', 950), made('files', 'C loop', 1000),
                            made('files', 'C loop, synced', 500), made('files', 'Python', 200)])
    for line in ('| files a second to the C loop | 0.95 | at least 0.9 | 1.2 | must |',
                 '| files a second to the C loop, synced | 1.90 |  |  |  |',
                 '| files a second to Python | 4.75 | at least 3 |  | must |'):
        if line not in text.splitlines():
            sys.exit(f'no line {line!r} in:\n{text}')


def reading_report():
    def read(source, program, wall):
        return {'row': 10, 'source': source, 'program': program, 'wall_s': wall, 'cpu_s': wall,
                'packets': 1000000, 'written_bytes': 10**9, 'rss_mib': 1}
    results = [read('pcap', 'weir', 0.5), read('pcap', 'weir', 0.4), read('pcap', 'mergecap', 0.945)]
    line = '| wall from a pcap, times as fast as mergecap | 2.10 | at least 2 | 2.2 | must |'
    if line not in reading.report(10, results).splitlines():
        sys.exit(reading.report(10, results))


def store_growth():
    samples = [(t, t * 0.1) for t in range(9)]
    equal(round(rows.growth_of_store([{'samples': samples}]), 6), 1.0)
    equal(rows.growth_of_store([{'samples': samples[:3]}]), None)


def plans():
    """Every row has a plan, and every plan of weir alone."""
    for row in run.CAPTURE_ROWS:
        plan = rows.plan(row, {'weir': None})
        if not plan or any(m['recorder'] != 'weir' for m in plan):
            sys.exit(f'row {row}: {plan}')
    equal({m['size'] for m in rows.plan(3, {'weir': None}, sizes=[64])}, {0, 64})


def added():
    """The median of a round's pairs, in percent; what could not be measured is left out."""
    equal(round(paired.added_percent(1.1, 1.0), 6), 10)
    equal(paired.of_round([[2, 1], [3, 1], [1, 1]]), 100)
    equal(paired.of_round([[None, 1], [1, 0]]), None)
    equal(paired.of_round([]), None)


def interval():
    """By order: five values say nothing, six have all between them, more are narrower."""
    equal(paired.interval([1, 2, 3, 4, 5]), None)
    equal(paired.interval([6, 5, 4, 3, 2, 1]), (1, 6))
    equal(paired.interval(range(1, 9)), (1, 8))
    equal(paired.interval(range(1, 10)), (2, 8))
    equal(paired.interval(range(1, 16)), (4, 12))
    equal(paired.interval([1, 2], confidence=0.5), (1, 2))
    # As often right as it says: all 2^9 ways in which nine values can lie about the median.
    low, high = paired.interval(range(9))
    right = sum(low < n <= high for n in (bin(way).count('1') for way in range(2**9)))
    equal(0.95 <= right / 2**9 < 0.97, True)


def settled():
    """Within or above only where the whole interval is; one wild round decides nothing."""
    equal(paired.Estimate([1, 2, 3, 4, 5, 6, 7, 8, 90]).verdict(10), 'within')
    equal(paired.Estimate([11, 12, 13, 14, 15, 16]).verdict(10), 'ABOVE')
    equal(paired.Estimate([8, 9, 10, 11, 12, 13]).verdict(10), 'not settled: more rounds')
    equal(paired.Estimate([1, None, 2]).verdict(10), 'too few rounds')
    equal(paired.Estimate([None]).cells('x', 10), ['x', '-', '-', '0', '10 %', 'not measured'])
    equal(paired.Estimate([1, 2, 3, 4, 5, 6]).cells('x', 10), ['x', '+3.5', '+1.0 to +6.0', 6, '10 %', 'within'])


def attribution_report():
    def flows(added):
        return {'row': 14, 'kind': 'flows', 'found': {'64': [[0.2 * (1 + added / 100), 0.2]], 'naming_s': 0.1,
                                                      'processes': 200}}
    flood = {'row': 14, 'kind': 'tuples', 'found': {'sent': 1000000, 'evicted_tuples': 967232, 'tuples': 32768,
                                                    'lost_events': 0, 'rss_before_mib': 100, 'rss_mib': 109}}
    programs = {'row': 14, 'kind': 'programs', 'found': {'ns_a_packet': 400, 'us_a_cycle': 6.5}}
    text = attribution.report(14, [*(flows(n) for n in (1, 2, 3, 4, 5, 6)), flood, programs])
    for line in ('| CPU us a packet, 106 B | +3.5 | +1.0 to +6.0 | 6 | 15 % | within |',
                 '| CPU us a packet, 1500 B | - | - | 0 | 15 % | not measured |',
                 '| CPU us a packet, 106 B | 0.207 | 0.200 |',
                 '| CPU us a process started | 500 |', '| us a connect-close | 6.50 |',
                 '| a flood of tuples: memory grown, MiB | 9.00 | at most 24 |  | must |',
                 '| a flood of tuples: neither held nor counted | 0.00 | at most 0 |  | must |'):
        if line not in text.splitlines():
            sys.exit(f'no line {line!r} in:\n{text}')
    flood['found']['evicted_tuples'] -= 1
    equal(attribution.bounds([flood])[1].verdict(), 'NOT REACHED')
    equal({m['kind'] for m in attribution.plan()}, {'flows', 'cycles', 'outside', 'program', 'programs', 'tuples'})


def said():
    """What each recorder says of its packets."""
    equal(recorders.tcpdump_recorded(['', '12 packets captured\n13 received\n1 packet dropped by kernel']),
          (12, 1))
    equal(recorders.dumpcap_recorded(["Packets received/dropped on interface 'vb': 7/2 (pcap:0)", '']),
          (7, 2))
    equal(recorders.netsniff_recorded(['  5  packets passed filter\n  1  packets failed filter', '']),
          (5, 1))
    equal(recorders.weir_recorded(['{"type":"started"}\n{"packets":3,"lost":1}\n', '']), (3, 1))
    equal(recorders.reference_recorded(['{"packets":4,"dropped":0}', '']), (4, 0))
    equal(recorders.reference_recorded(['{"cap":4,"kern_drop":1}', 'ready']), (4, 1))


def pcap():
    """The file of the reading rows is a pcap of the size and flows that are promised."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'x.pcap')
        reading.make_pcap(path, 50)
        with open(path, 'rb') as f:
            data = f.read()
    at, count = 24, 0
    while at < len(data):
        size = int.from_bytes(data[at + 8:at + 12], 'little')
        equal(size in (64, 576, 1514), True)
        equal(reading.checksum(data[at + 16 + 14:at + 16 + 34]), 0)
        at, count = at + 16 + size, count + 1
    equal((at, count), (len(data), 50))


def rounds():
    """Results that are added to go on counting rounds."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'r.jsonl')
        a = run.parse(['--rows', '3', '--rounds', '2', '--results', path])
        for _ in range(2):
            run.run_rounds(a, 3, run.Log(path, True), [{'recorder': 'weir'}], dict)
        equal([r['round'] for r in run.Log(path, True).results], [0, 1, 2, 3])
        equal(run.Log(path, False).results, [])


CASES = {c.__name__: c for c in (
    median, ratio, spread, markdown, bound, cost, hash_later, cheapest, cost_report, loss_report, divert_report,
    files_report, reading_report, store_growth, plans, added, interval, settled,
    attribution_report, said, pcap, rounds)}

if __name__ == '__main__':
    if sys.argv[2:] == ['--list']:
        print(' '.join(CASES))
    else:
        CASES[sys.argv[2]]()
