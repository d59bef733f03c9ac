/* Traffic for bench/divert-queue.py; without arguments it does nothing.
 *
 *	flood INTERFACE MAC SIZE SECONDS FROM TO [FLOWS]   UDP frames as fast as they go (AF_PACKET)
 *	echo PORT SECONDS                                  gives each datagram back
 *	rtt ADDRESS PORT COUNT SIZE GAP_US                 round trips; one after the other
 *
 * Prints one JSON object. */
#include "base/bytes.h"
#include "port/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH      64
#define FRAME_MAX  2048
#define HEADERS    42 /* Ethernet, IPv4, UDP */
#define FIRST_PORT 20000

struct flood {
	uint8_t frames[BATCH][FRAME_MAX];
	struct mmsghdr headers[BATCH];
	struct iovec vectors[BATCH];
};

static long number(const char *text)
{
	return strtol(text, NULL, 10);
}

static uint16_t ip_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += get_u16be(header + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void make_frame(uint8_t *f, uint16_t size, const char *const *argv, unsigned flow)
{
	static const uint8_t from[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t *ip = f + 14, *udp = ip + 20;

	memset(f, 0x5a, size);
	(void)sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", f, f + 1, f + 2, f + 3,
		     f + 4, f + 5);
	memcpy(f + 6, from, sizeof from);
	(void)put_u16be(f + 12, ETHERTYPE_IP);
	memset(ip, 0, HEADERS - 14);
	ip[0] = 0x45;
	(void)put_u16be(ip + 2, (uint16_t)(size - 14));
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	(void)inet_pton(AF_INET, argv[6], ip + 12);
	(void)inet_pton(AF_INET, argv[7], ip + 16);
	(void)put_u16be(ip + 10, ip_checksum(ip));
	(void)put_u16be(udp, (uint16_t)(FIRST_PORT + flow));
	(void)put_u16be(udp + 2, 9); /* discard */
	(void)put_u16be(udp + 4, (uint16_t)(size - 34));
}

static int open_interface(const char *name)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETHERTYPE_IP),
				 .sll_ifindex = (int)if_nametoindex(name),
				 .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a)) {
		perror("divert-send: packet socket");
		return -1;
	}
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
	return fd;
}

static int flood(int argc, const char *const *argv)
{
	uint16_t size = (uint16_t)number(argv[4]);
	unsigned flows = argc > 8 ? (unsigned)number(argv[8]) : 16;
	struct flood *f = calloc(1, sizeof *f);
	int64_t begin, end, now;
	uint64_t sent = 0;
	int fd = open_interface(argv[2]);

	if (!f || fd < 0 || size < HEADERS || size > FRAME_MAX || !flows)
		return 2;
	for (unsigned i = 0; i < BATCH; i++) {
		make_frame(f->frames[i], size, argv, i % flows);
		f->vectors[i] = (struct iovec){ f->frames[i], size };
		f->headers[i].msg_hdr.msg_iov = &f->vectors[i];
		f->headers[i].msg_hdr.msg_iovlen = 1;
	}
	begin = now = port_monotonic_ns();
	end = begin + (int64_t)(strtod(argv[5], NULL) * 1e9);
	for (; now < end; now = port_monotonic_ns()) {
		int n = sendmmsg(fd, f->headers, BATCH, 0);

		if (n > 0)
			sent += (uint64_t)n;
		else if (errno != ENOBUFS && errno != EAGAIN)
			return 3;
	}
	printf("{\"sent\":%llu,\"seconds\":%.3f}\n", (unsigned long long)sent,
	       (double)(now - begin) / 1e9);
	return 0;
}

static int echo(const char *const *argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)number(argv[2])) },
			   from;
	struct timeval limit = { number(argv[3]), 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char bytes[FRAME_MAX];

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)) {
		perror("divert-send: echo");
		return 3;
	}
	for (;;) {
		socklen_t length = sizeof from;
		ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from,
				     &length);

		if (n < 0)
			return 0;
		(void)sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, length);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int rtt(const char *const *argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)number(argv[3])) };
	struct timeval limit = { 0, 500000 };
	const struct timespec gap = { 0, number(argv[6]) * 1000 };
	unsigned count = (unsigned)number(argv[4]), n = 0, lost = 0;
	size_t size = (size_t)number(argv[5]);
	int64_t *ns = calloc(count ? count : 1, sizeof *ns);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char bytes[FRAME_MAX] = { 0 };

	if (!ns || fd < 0 || size > sizeof bytes ||
	    inet_pton(AF_INET, argv[2], &a.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof a) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)) {
		perror("divert-send: rtt");
		return 3;
	}
	for (unsigned i = 0; i < count; i++) {
		int64_t begin = port_monotonic_ns();

		if (send(fd, bytes, size, 0) < 0 || recv(fd, bytes, sizeof bytes, 0) < 0)
			lost++;
		else
			ns[n++] = port_monotonic_ns() - begin;
		if (gap.tv_nsec)
			(void)nanosleep(&gap, NULL);
	}
	qsort(ns, n, sizeof *ns, compare);
	printf("{\"lost\":%u,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n",
	       lost, (double)ns[n / 2] / 1e3, (double)ns[n * 9 / 10] / 1e3,
	       (double)ns[n * 99 / 100] / 1e3, (double)ns[n ? n - 1 : 0] / 1e3);
	return 0;
}

int main(int argc, char **argv)
{
	const char *const *words = (const char *const *)argv;

	if (argc == 1) {
		printf("traffic for bench/divert-queue.py: no benchmark by itself\n");
		return 0;
	}
	if (argc >= 8 && !strcmp(words[1], "flood"))
		return flood(argc, words);
	if (argc == 4 && !strcmp(words[1], "echo"))
		return echo(words);
	if (argc == 7 && !strcmp(words[1], "rtt"))
		return rtt(words);
	fprintf(stderr, "usage: see bench/divert-send.c\n");
	return 2;
}
