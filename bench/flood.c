/* Sends UDP packets on an interface at a given rate, for the benchmarks.
 *
 *	flood INTERFACE SIZE RATE SECONDS [FLOWS [SOURCE DESTINATION MAC]]
 *
 * SIZE: bytes of a frame without its checksum; RATE: packets a second, 0 as fast as it goes;
 * FLOWS: so many five-tuples in turn (16).  Without MAC the frames go to one that nobody has: the
 * other end's stack drops them, a recorder sees them.  AF_PACKET past the queueing discipline, up to
 * 64 frames a call.  Prints one JSON object: sent, seconds, pps, cpu_s (in the send calls, which
 * on a veth hold the receiving side and the recorder's kernel part too). */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	HEADERS = 14 + 20 + 8,
	LARGEST = 9216,
	PORTS = 40000,
	FIRST_PORT = 20000
};

struct flood {
	int fd;
	unsigned size, flows;
	double rate, seconds;
	uint8_t frames[BATCH][LARGEST];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	uint32_t address_sum; /* of the header without the changing half of the source */
	uint16_t source_low;
	uint64_t sent;
	double cpu_s;
};

static double now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void store16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum16(const uint8_t *p, unsigned n)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

/* Half of the payload random, half constant: it packs about 2:1. */
static void make_frame(struct flood *f, unsigned index, const uint8_t mac[6],
		       const uint8_t addresses[8])
{
	static const uint8_t start[] = { 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0 };
	uint8_t *p = f->frames[index], *ip = p + 14;

	memset(p, 0x5a, f->size);
	memcpy(p, mac, 6);
	memcpy(p + 6, start, sizeof start);
	memset(ip + 4, 0, 8);
	store16(ip + 2, f->size - 14);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, addresses, 8);
	store16(ip + 22, 9);
	store16(ip + 24, f->size - 34);
	store16(ip + 26, 0);
	for (unsigned i = HEADERS + 8; i < HEADERS + (f->size - HEADERS) / 2; i++)
		p[i] = (uint8_t)rand();
	store16(ip + 14, 0);
	f->address_sum = sum16(ip, 20);
	f->source_low = (uint16_t)(addresses[2] << 8 | addresses[3]);
	f->parts[index] = (struct iovec){ p, f->size };
	f->messages[index].msg_hdr.msg_iov = &f->parts[index];
	f->messages[index].msg_hdr.msg_iovlen = 1;
}

/* The flow's ports and address, the checksum of its header, and the packet's number. */
static void number_frame(struct flood *f, unsigned index, uint64_t number)
{
	uint32_t flow = (uint32_t)(number % f->flows);
	uint16_t source = (uint16_t)(f->source_low + flow / PORTS);
	uint8_t *ip = f->frames[index] + 14;
	uint32_t sum = f->address_sum + source;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	store16(ip + 10, ~sum & 0xffff);
	store16(ip + 14, source);
	store16(ip + 20, FIRST_PORT + flow % PORTS);
	if (f->size >= HEADERS + sizeof number)
		memcpy(ip + 28, &number, sizeof number);
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)if_nametoindex(interface),
				  .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1, buffer = 8 << 20;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&to, sizeof to) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one))
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
	return fd;
}

/* How many are due; sleeps a little when none is. */
static unsigned due(const struct flood *f, double elapsed)
{
	struct timespec nap = { 0, f->rate > 200000 ? 50000 : 200000 };
	double want = elapsed * f->rate - (double)f->sent;

	if (f->rate <= 0 || want >= BATCH)
		return BATCH;
	if (want >= 1)
		return (unsigned)want;
	(void)nanosleep(&nap, NULL);
	return 0;
}

static int run(struct flood *f)
{
	double begin = now(CLOCK_MONOTONIC), elapsed;

	while ((elapsed = now(CLOCK_MONOTONIC) - begin) < f->seconds) {
		unsigned count = due(f, elapsed);
		double cpu;
		int n;

		if (!count)
			continue;
		for (unsigned i = 0; i < count; i++)
			number_frame(f, i, f->sent + i);
		cpu = now(CLOCK_THREAD_CPUTIME_ID);
		n = sendmmsg(f->fd, f->messages, count, 0);
		f->cpu_s += now(CLOCK_THREAD_CPUTIME_ID) - cpu;
		if (n > 0)
			f->sent += (unsigned)n;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return -1;
	}
	f->seconds = elapsed;
	return 0;
}

static int read_mac(const char *text, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++, text += 3) {
		char *end;
		unsigned long value = strtoul(text, &end, 16);

		if (end != text + 2 || value > 255 || (*end && *end != ':'))
			return -1;
		mac[i] = (uint8_t)value;
	}
	return 0;
}

static int prepare(struct flood *f, int argc, char **argv)
{
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x99 };
	uint8_t addresses[8] = { 10, 9, 0, 1, 10, 9, 0, 2 };

	if (argc != 5 && argc != 6 && argc != 9)
		return -1;
	f->size = (unsigned)strtoul(argv[2], NULL, 10);
	f->rate = strtod(argv[3], NULL);
	f->seconds = strtod(argv[4], NULL);
	f->flows = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 16;
	if (f->size < HEADERS || f->size > LARGEST || !f->flows)
		return -1;
	if (argc == 9 &&
	    (inet_pton(AF_INET, argv[6], addresses) != 1 ||
	     inet_pton(AF_INET, argv[7], addresses + 4) != 1 || read_mac(argv[8], mac)))
		return -1;
	for (unsigned i = 0; i < BATCH; i++)
		make_frame(f, i, mac, addresses);
	return 0;
}

int main(int argc, char **argv)
{
	static struct flood f;

	if (prepare(&f, argc, argv)) {
		(void)fprintf(stderr, "usage: flood INTERFACE SIZE RATE SECONDS [FLOWS "
				      "[SOURCE DESTINATION MAC]]\n");
		return 2;
	}
	f.fd = open_socket(argv[1]);
	if (f.fd < 0 || run(&f)) {
		perror("flood");
		return 1;
	}
	printf("{\"sent\":%llu,\"seconds\":%.3f,\"pps\":%.0f,\"cpu_s\":%.3f}\n",
	       (unsigned long long)f.sent, f.seconds, (double)f.sent / f.seconds,
	       f.cpu_s);
	return 0;
}
