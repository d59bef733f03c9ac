"""Rows 1 to 4, 9, 12 and 13: what a round measures, and what the results say.

A plan is a list of measurements for capture.record(); a report is text.  Costs are CPU seconds for a
million packets recorded, with what starting and ending costs taken off: CPU up to the moment when
the recorder's socket listened, of that run; CPU after that of runs without traffic.  Of weir with
its hash later only what it used until it was told to end counts: it hashes after that."""
import os

from recorders import HASH_LATER
from tables import (Bound, bounds_table, markdown, median, median_of, number, pick, ratio, spread,
                    values_of)

WEIR = 'weir'
PEERS = {1: ('inplace', 'reference-ring', 'dumpcap -B 64', 'tcpdump -B 65536', 'netsniff-ng'),
         2: ('inplace', 'ringcap direct', 'dumpcap -B 64'),
         3: ('inplace', 'tcpdump -B 65536'),
         4: ('tcpdump -B 65536', 'dumpcap -B 64')}
SIZES = {1: (1500,), 2: (512, 64), 3: (64, 512, 1500), 4: (1500,), 9: (1500,)}
# Packets a second (0: as fast as it goes) and seconds.
TRAFFIC = {1: (100000, 3), 2: (100000, 3), 3: (0, 3), 4: (100000, 30)}
RATES = (1000, 10000, 100000, 300000, 0)
FLOWS = (1, 100, 10000, 100000)
HASH_RATES = (300000, 0)
STORE_RATE, STORE_S = 300000, 20  # 9.5 GB of 1500-byte frames
LEAST_COST = 0.01  # CPU s/Mpkt: below it is error, and no ratio is made of it
SHARE_OF_MEMORY, MOST_MIB = 0.03, 256


def known(found, names):
    """The recorders of a row that are here, and every variant of weir."""
    return [n for n in found if n in names or n.startswith(WEIR)]


def traffic(name, size, rate, seconds, **more):
    return {'recorder': name, 'size': size, 'rate': rate, 'seconds': seconds, **more}


def idle(names):
    return [traffic(n, 0, 0, 1, kind='idle') for n in names]


def plan(row, found, scale=1.0, sizes=()):
    """Measurements of one round.  `scale` shortens each; `sizes` picks."""
    def seconds(whole):
        return max(0.5, whole * scale)
    if row == 9:
        return [traffic(n, 1500, rate, seconds(3), kind='hash') for rate in HASH_RATES
                for n in (WEIR, HASH_LATER) if n in found]
    if row == 12:
        return [traffic(WEIR, 64, 100000, seconds(2), kind='short'),
                traffic(WEIR, 64, 0, seconds(10), kind='long')]
    if row == 13:
        return plan_growth(found, seconds)
    names = [n for n in known(found, PEERS[row]) if row != 4 or n != HASH_LATER]
    made = idle(names) if row != 4 else []
    rate, length = TRAFFIC[row]
    for size in SIZES[row]:
        made += [traffic(n, size, rate, seconds(length), is_busy=row == 4) for n in names]
    if row == 4:
        made.append(traffic(WEIR, 1500, 2 * rate, seconds(length), is_busy=True))
    return [m for m in made if not sizes or m['size'] in sizes or not m['size']]


def plan_growth(found, seconds):
    """Rates, flows, a store that grows; tcpdump beside it shows what a wake-up costs anybody."""
    names = [n for n in (WEIR, 'tcpdump -B 65536') if n in found]
    # As many packets at the lowest rate as give a figure: it is wake-ups that cost there.
    made = idle(names) + [traffic(n, 512, r, seconds(10 if r == 1000 else 3), kind='rate')
                          for r in RATES for n in names if n == WEIR or 0 < r <= 100000]
    made += [traffic(WEIR, 512, 100000, seconds(3), kind='flows', flows=f) for f in FLOWS]
    made.append(traffic(WEIR, 1500, STORE_RATE, seconds(STORE_S), kind='store'))
    return made


def after_start(r):
    return r['used_cpu_s'] if r['recorder'] == HASH_LATER else r['cpu_s'] - r['start_cpu_s']


def recorder_of_cost(mine):
    """What is held to the bounds of cost, which speak of recording with the hash deferred."""
    return HASH_LATER if pick(mine, recorder=HASH_LATER) else WEIR


def cost(r, results):
    """CPU seconds for a million packets recorded; None where nothing was."""
    if not r.get('recorded'):
        return None
    still = median([after_start(i) for i in pick(results, kind='idle', recorder=r['recorder'])])
    return max(0, after_start(r) - (still or 0)) / r['recorded'] * 1e6


def cost_of(results, mine, **wanted):
    return median([cost(r, results) for r in pick(mine, **wanted)])


def capture_table(results, mine):
    """A line for each size, rate, number of flows and recorder."""
    groups = {}
    for r in mine:
        if r.get('size'):
            key = (r['size'], r['rate'], r.get('flows', 16), r['recorder'])
            groups.setdefault(key, []).append(r)
    rows = [capture_line(results, runs) for runs in sorted(groups.values(), key=order)]
    return markdown(['recorder', 'frame B', 'flows', 'offered kpps', 'lost %', 'CPU s/Mpkt', 'RSS MiB',
                     'stop s', 'runs'], rows)


def order(runs):
    """By size, rate and flows, weir before its peers, otherwise as they were measured."""
    r = runs[0]
    return -r['size'], r['rate'] or 1e9, r.get('flows', 16), not r['recorder'].startswith(WEIR)


def capture_line(results, runs):
    def of(field):
        return [r.get(field) for r in runs]
    return [runs[0]['recorder'], runs[0]['size'], runs[0].get('flows', 16),
            spread([p / 1000 for p in of('pps')], 0), spread(of('lost_percent')),
            spread([cost(r, results) for r in runs], 3), number(median(of('rss_mib')), 0),
            number(median(of('stop_s'))), len(runs)]


def at_least(value):
    return None if value is None else max(value, LEAST_COST)


def cost_ratio(results, mine, size, peers):
    """weir's cost to that of the cheapest of the peers."""
    found = [cost_of(results, mine, size=size, recorder=p) for p in peers]
    return ratio(at_least(cost_of(results, mine, size=size, recorder=recorder_of_cost(mine))),
                 at_least(min((f for f in found if f is not None), default=None)))


def bounds_of_cost(row, results, mine):
    near = ('inplace',) if row == 1 else ('inplace', 'ringcap direct')
    peers = [(near, 1.3, 1.0), (('dumpcap -B 64',), 0.2, 0.05 if row == 1 else None)]
    if row == 1:
        peers.append((('tcpdump -B 65536',), 0.3, 0.1))
    return [Bound(f'CPU a packet at {size} B to {" or ".join(names)}',
                  cost_ratio(results, mine, size, names), must, aim)
            for size in SIZES[row] for names, must, aim in peers]


def bounds_of_loss(_, results, mine):
    bounds = []
    for size in SIZES[3]:
        lost = [r['lost_percent'] for r in pick(mine, size=size, recorder=WEIR)]
        clean = sum(1 for v in lost if v == 0)
        bounds += [Bound(f'rounds of 5 without loss at {size} B',
                         5 * clean / len(lost) if lost else None, 4, 5, is_least=True),
                   Bound(f'most lost in a round at {size} B', max(lost, default=None), 1, 0, unit=' %'),
                   Bound(f'CPU a packet at {size} B to inplace',
                         cost_ratio(results, mine, size, ('inplace',)), 1.3)]
    return bounds


def bounds_of_busy(_, __, mine):
    bounds = []
    for rate in values_of(pick(mine, recorder=WEIR), 'rate'):
        lost = [r['lost_percent'] for r in pick(mine, rate=rate, recorder=WEIR)]
        is_must = rate == TRAFFIC[4][0]
        bounds.append(Bound(f'most lost at {rate * 1500 / 1e6:.0f} MB/s beside the hogs',
                            max(lost, default=None), 0 if is_must else None, 0, unit=' %'))
    return bounds


def bounds_of_hash(_, __, mine):
    """Row 9: hashed while written where the machine has time for it, later where it has not."""
    bounds = []
    for rate in HASH_RATES:
        name = f'at {rate * 1500 / 1e6:.0f} MB/s' if rate else 'flat out'
        runs = pick(mine, rate=rate, recorder=WEIR)
        later = median_of(mine, 'lost_percent', rate=rate, recorder=HASH_LATER)
        bounds.append(Bound(f'lost {name}, hash on', median([r['lost_percent'] for r in runs]), later or 0, 0,
                            unit=' %'))
        share = [r['hashed_inline'] / r['segments'] for r in runs if r.get('segments')]
        bounds.append(Bound(f'share of segments hashed while written, {name}', median(share), None,
                            1 if rate else None, is_least=True))
    return bounds


def bounds_of_memory(_, __, mine):
    total = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**20
    end = median([r['rss_end_mib'] for r in pick(mine, kind='long')])
    packets = median([r['recorded'] for r in pick(mine, kind='long')]) or 0
    stated = median([r['stated_mib'] for r in mine])
    short = median([r['rss_end_mib'] for r in pick(mine, kind='short')])
    return [Bound('stated at the start, MiB', stated, min(MOST_MIB, SHARE_OF_MEMORY * total)),
            Bound(f'resident after {packets / 1e6:.1f} M packets, MiB', end,
                  min(MOST_MIB, SHARE_OF_MEMORY * total)),
            Bound('that, to what was stated', ratio(end, stated), 1.1),
            Bound('that, to a short run', ratio(end, short), 1.02)]


def growth_of_store(runs):
    """Cost of a GB at the end of a growing store to one at its begin, from the samples."""
    found = []
    for r in runs:
        samples = r.get('samples', [])
        part = len(samples) // 4
        if part < 1:
            continue
        first, last = samples[part][1] - samples[0][1], samples[-1][1] - samples[-1 - part][1]
        found.append(ratio(last, first))
    return median(found)


def growth_of_rate(results, mine, name):
    base = cost_of(results, mine, kind='rate', rate=100000, recorder=name)
    return [(rate, ratio(cost_of(results, mine, kind='rate', rate=rate, recorder=name), base))
            for rate in RATES if rate != 100000]


def bounds_of_growth(_, results, mine):
    bounds = []
    for rate, found in growth_of_rate(results, mine, WEIR):
        name = f'{rate / 1000:g} kpps' if rate else 'the highest rate'
        bounds.append(Bound(f'CPU a packet at {name} to 100 kpps', found, 1.2))
    for rate, found in growth_of_rate(results, mine, 'tcpdump -B 65536')[:2]:
        bounds.append(Bound(f'tcpdump: the same at {rate / 1000:g} kpps', found, None))
    one = cost_of(results, mine, kind='flows', flows=1)
    bounds += [Bound(f'CPU a packet of {flows:,} flows to one',
                     ratio(cost_of(results, mine, kind='flows', flows=flows), one), 1.2)
               for flows in FLOWS[1:]]
    gb = median([r['written_bytes'] / 1e9 for r in pick(mine, kind='store')]) or 0
    bounds.append(Bound(f'CPU in the last quarter of a store of {gb:.1f} GB to the first',
                        growth_of_store(pick(mine, kind='store')), 1.2))
    read = [ratio(r['read'][1]['us_packet'], r['read'][0]['us_packet'])
            for r in pick(mine, kind='store')]
    bounds.append(Bound('CPU a packet of reading all of it to reading an eighth', median(read), 1.2))
    return bounds


BOUNDS = {1: bounds_of_cost, 2: bounds_of_cost, 3: bounds_of_loss, 4: bounds_of_busy,
          9: bounds_of_hash, 12: bounds_of_memory, 13: bounds_of_growth}


def report(row, results):
    mine = pick(results, row=row)
    return capture_table(results, mine) + '\n\n' + bounds_table(BOUNDS[row](row, results, mine))
