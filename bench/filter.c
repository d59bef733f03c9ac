/* The evaluator against libpcap's bpf_filter() on the nearest pcap expression: the same 2048 packets
 * in cache, in one process, rounds interleaved; thread CPU time, minimum and median of 11 rounds.
 * For libpcap a Linux cooked header stands in front of each packet, so that "outbound" exists.
 * weir's time has the parsing of the headers in it.  Targets: at least as fast for a few tests, at
 * least twice as fast for 30, nothing for `true`. */
#include "weir/filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PACKETS 2048
#define COOKED  16
#define BYTES   1600
#define ROUNDS  11
#define REPEAT  60

struct sample {
	uint8_t bytes[BYTES]; /* the cooked header first */
	uint32_t length;      /* without it */
	bool is_outbound;
};

static uint32_t seed = 12345;

static uint32_t number(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t any_port(void)
{
	static const uint32_t known[] = { 80, 443, 53, 22, 8080, 123 };

	return number(2) ? known[number(6)] : 1024 + number(60000);
}

/* IPv4 or IPv6; 75 % TCP, 20 % UDP, 5 % ICMP; 0 to 1400 bytes of payload. */
static void make(struct sample *s)
{
	bool is_ipv6 = number(4) == 0;
	uint32_t dice = number(100), payload = number(1401);
	uint8_t protocol = dice < 75 ? 6 : dice < 95 ? 17 : is_ipv6 ? 58 : 1;
	uint32_t header = is_ipv6 ? 40 : 20, transport = protocol == 6 ? 20 : 8;
	uint8_t *p = s->bytes + COOKED, *t = p + header;

	s->is_outbound = number(2);
	s->length = header + transport + payload;
	put16(s->bytes, s->is_outbound ? 4 : 0);
	put16(s->bytes + 2, 1);
	put16(s->bytes + 14, is_ipv6 ? 0x86dd : 0x0800);
	if (is_ipv6) {
		p[0] = 0x60;
		put16(p + 4, transport + payload);
		p[6] = protocol;
		p[7] = 64;
		p[8] = p[24] = 0xfe;
		p[23] = p[39] = (uint8_t)number(200);
	} else {
		p[0] = 0x45;
		put16(p + 2, s->length);
		p[8] = 64;
		p[9] = protocol;
		p[12] = number(3) ? 10 : 192;
		p[15] = (uint8_t)number(200);
		p[16] = 93;
	}
	put16(t, any_port());
	put16(t + 2, any_port());
	if (protocol == 6)
		t[12] = 0x50;
	else if (protocol == 17)
		put16(t + 4, 8 + payload);
}

static const char web[] =
	"outbound and tcp and (tcp.DstPort == 80 or tcp.DstPort == 443) and "
	"tcp.PayloadLength > 0";
static const char web_pcap[] =
	"outbound and tcp and (tcp dst port 80 or tcp dst port 443) and "
	"(ip[2:2] - ((ip[0]&0xf)<<2) - ((tcp[12]&0xf0)>>2)) != 0";

static struct row {
	const char *name, *filter, *pcap;
	double target; /* libpcap's time over ours */
} rows[] = {
	{ "true", "true", "", 1 },
	{ "one test", "tcp.DstPort == 443", "tcp dst port 443", 1 },
	{ "five tests", web, web_pcap, 1 },
	{ "a network",
	  "ip.SrcAddr >= 10.0.0.0 and ip.SrcAddr <= 10.255.255.255 and "
	  "udp.DstPort == 53",
	  "src net 10.0.0.0/8 and udp dst port 53", 1 },
	{ "30 terms", NULL, NULL, 2 },
};

/* 30 alternatives, UDP and TCP in turn. */
static void make_terms(char *filter, char *pcap, size_t size)
{
	size_t f = 0, p = 0;

	for (unsigned i = 0; i < 30; i++) {
		const char *protocol = i % 2 ? "tcp" : "udp", *between = i ? " or " : "";
		unsigned port = 1000 + 7 * i;

		f += (size_t)snprintf(filter + f, size - f, "%s%s.DstPort == %u", between,
				      protocol, port);
		p += (size_t)snprintf(pcap + p, size - p, "%s%s dst port %u", between,
				      protocol, port);
	}
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct result {
	double ns[ROUNDS];
	unsigned long matches;
};

static void run_weir(const struct filter *f, const struct sample *s, struct result *r,
		     int round)
{
	struct filter_input in = { .packet = NULL };
	bool is_true = filter_is_true(f);
	double start = now();

	r->matches = 0;
	for (int k = 0; k < REPEAT; k++)
		for (int i = 0; i < PACKETS; i++) {
			if (is_true) {
				r->matches++;
				continue;
			}
			filter_input_packet(&in, s[i].bytes + COOKED, s[i].length);
			in.address.is_outbound = s[i].is_outbound;
			r->matches += filter_matches(f, &in);
		}
	r->ns[round] = (now() - start) / REPEAT / PACKETS;
}

static void run_pcap(const struct bpf_program *p, const struct sample *s,
		     struct result *r, int round)
{
	double start = now();

	r->matches = 0;
	for (int k = 0; k < REPEAT; k++)
		for (int i = 0; i < PACKETS; i++)
			r->matches +=
				bpf_filter(p->bf_insns, s[i].bytes, s[i].length + COOKED,
					   s[i].length + COOKED) != 0;
	r->ns[round] = (now() - start) / REPEAT / PACKETS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_row(const struct row *row, const struct sample *samples, pcap_t *dead)
{
	struct result ours, theirs;
	struct bpf_program program;
	struct filter *f;
	double ratio;

	if (filter_compile(&f, row->filter, FILTER_NETWORK, 0, NULL) ||
	    pcap_compile(dead, &program, row->pcap, 1, PCAP_NETMASK_UNKNOWN)) {
		printf("%-11s does not compile\n", row->name);
		exit(1);
	}
	for (int round = -1; round < ROUNDS; round++) { /* -1: to warm up */
		run_weir(f, samples, &ours, round < 0 ? 0 : round);
		run_pcap(&program, samples, &theirs, round < 0 ? 0 : round);
	}
	qsort(ours.ns, ROUNDS, sizeof *ours.ns, compare);
	qsort(theirs.ns, ROUNDS, sizeof *theirs.ns, compare);
	ratio = theirs.ns[ROUNDS / 2] / (ours.ns[ROUNDS / 2] + 0.01);
	printf("%-11s %6.1f %6.1f   %6.1f %6.1f   %5.2f  %s  %lu/%lu\n", row->name,
	       ours.ns[0], ours.ns[ROUNDS / 2], theirs.ns[0], theirs.ns[ROUNDS / 2],
	       ratio, ratio >= row->target ? "met   " : "MISSED", ours.matches / REPEAT,
	       theirs.matches / REPEAT);
	pcap_freecode(&program);
	filter_free(f);
}

int main(void)
{
	struct sample *samples = calloc(PACKETS, sizeof *samples);
	pcap_t *dead = pcap_open_dead(DLT_LINUX_SLL, 65535);
	char filter[1400], pcap[1400];

	if (!samples || !dead)
		return 1;
	for (int i = 0; i < PACKETS; i++)
		make(&samples[i]);
	make_terms(filter, pcap, sizeof filter);
	rows[4].filter = filter;
	rows[4].pcap = pcap;
	printf("            weir ns/packet  bpf_filter ns    times  target matches\n"
	       "            min  median     min  median     faster        (of %d)\n",
	       PACKETS);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		run_row(&rows[i], samples, dead);
	pcap_close(dead);
	free(samples);
	return 0;
}
