/* The reference for divert: the least that a program on NFQUEUE can do.  Receives in batches
 * (recvmmsg), answers each with one batch verdict, records nothing; with "copy" each packet's bytes
 * are copied to a ring in memory, which stands for a record; with a file they are also written there:
 * past the page cache, half a MiB at a time, eight writes in flight, by the same thread.  No records,
 * no hash, no sync: what any recorder has to pay.  Rules, queue and flags are weir's own, without filter
 * and heartbeat.
 *
 * usage: reference-queue SECONDS [copy|FILE]      prints "ready" on stderr, then one JSON object.
 * bench/divert-queue.py uses it; without arguments it does nothing. */
#include "capture/nfqueue.h"
#include "capture/nftables.h"
#include "port/port.h"
#include "port/writes.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define RING_BYTES  ((size_t)64 << 20)
#define WRITE_BYTES ((size_t)512 << 10)
#define FILE_BYTES  ((off_t)8 << 30)

enum {
	FLIGHTS = 8
};

struct reference {
	struct nfq nfq;
	struct nfq_batch batch;
	struct nft *nft;
	struct nft_rules rules;
	uint8_t *ring;
	size_t at, written; /* in the ring */
	int file;           /* -1: nothing is written */
	off_t file_at;
	struct writes *writes;
	unsigned flying;
	uint64_t packets, bytes, turns, unwritten;
};

/* Only writes within the file's size overlap, so its space is taken ahead. */
static int open_file(struct reference *r, const char *path)
{
	r->writes = writes_new(2 * FLIGHTS, true);
	r->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
	if (!r->writes || r->file < 0 || fallocate(r->file, 0, 0, FILE_BYTES))
		return -1;
	writes_begin(r->writes);
	return 0;
}

static void collect(struct reference *r)
{
	struct written done[FLIGHTS];
	unsigned n = writes_take(r->writes, done, FLIGHTS);

	r->flying -= n;
	while (n--)
		r->unwritten += done[n].result != (int32_t)WRITE_BYTES;
}

/* What the disk does not take is passed over, and counted. */
static void write_ring(struct reference *r)
{
	if (r->file < 0)
		return;
	collect(r);
	while (r->at - r->written >= WRITE_BYTES) {
		if (r->flying == FLIGHTS || r->file_at >= FILE_BYTES ||
		    writes_submit(r->writes, r->file, r->ring + r->written, WRITE_BYTES,
				  r->file_at, 0))
			r->unwritten++;
		else
			r->flying++;
		r->file_at += (off_t)WRITE_BYTES;
		r->written += WRITE_BYTES;
	}
}

static int install(struct reference *r, struct weir_error *err)
{
	struct nft_abilities a;
	int rc = nft_probe(&a, err);

	if (rc)
		return rc;
	(void)snprintf(r->rules.table, sizeof r->rules.table, "reference_%d",
		       (int)getpid());
	r->rules.priority = 300;
	r->rules.way = a.has_native_queue ? NFT_QUEUE_NATIVE : NFT_QUEUE_COMPAT;
	r->rules.queue = r->nfq.first;
	r->rules.queue_count = 1;
	r->rules.is_bypass = true;
	r->rules.is_owned = a.has_owner;
	r->rules.program_fd = r->rules.output_program_fd = -1;
	rc = nft_open(&r->nft, err);
	return rc ? rc : nft_install(r->nft, &r->rules, err);
}

static void take(struct reference *r, const struct nfq_packet *p)
{
	r->packets++;
	r->bytes += p->caplen;
	if (!r->ring)
		return;
	if (r->at + p->caplen > RING_BYTES)
		r->at = r->written = 0;
	memcpy(r->ring + r->at, p->payload, p->caplen);
	r->at += (p->caplen + 63u) & ~63u;
}

static void serve(struct reference *r, int64_t until)
{
	struct pollfd p = { .fd = r->nfq.fd, .events = POLLIN };
	struct nl_message m;
	struct nfq_packet packet = { 0 };

	while (port_monotonic_ns() < until) {
		int n = nfq_receive(&r->nfq, &r->batch, false);

		if (n <= 0) {
			(void)poll(&p, 1, 50);
			continue;
		}
		for (unsigned i = 0; i < (unsigned)n; i++) {
			struct cursor c = nfq_message(&r->batch, i);

			while (nl_next_message(&c, &m))
				if (nfq_packet_parse(&m, &packet))
					take(r, &packet);
		}
		(void)nfq_accept(&r->nfq, r->nfq.first, packet.id);
		write_ring(r);
		r->turns++;
	}
}

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void print(const struct reference *r)
{
	struct nfq_stats stats = { 0 };
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	if (nfq_stats(&r->nfq, r->nfq.first, &stats))
		fprintf(stderr, "reference-queue: no statistics\n");
	printf("{\"packets\":%llu,\"bytes\":%llu,\"turns\":%llu,\"queue_drops\":%u,"
	       "\"unwritten\":%llu,\"cpu_s\":%.3f}\n",
	       (unsigned long long)r->packets, (unsigned long long)r->bytes,
	       (unsigned long long)r->turns, stats.dropped + stats.user_dropped,
	       (unsigned long long)r->unwritten,
	       seconds_of(u.ru_utime) + seconds_of(u.ru_stime));
}

static int run(struct reference *r, double seconds, struct weir_error *err)
{
	const struct nfq_config config = { .count = 1,
					   .length = 16384,
					   .is_fail_open = true,
					   .memory_bytes = (size_t)64 << 20,
					   .from = 40000 };
	int rc = nfq_open(&r->nfq, &config, err);

	if (!rc)
		rc = nfq_batch_init(&r->batch, err);
	if (!rc)
		rc = install(r, err);
	if (rc)
		return rc;
	fprintf(stderr, "ready\n");
	serve(r, port_monotonic_ns() + (int64_t)(seconds * 1e9));
	rc = nft_withdraw(r->nft, &r->rules, err);
	serve(r, port_monotonic_ns() + 50000000);
	print(r);
	return rc;
}

int main(int argc, char **argv)
{
	struct reference r = { .nfq = { .fd = -1, .table_fd = -1 }, .file = -1 };
	struct weir_error err;

	if (argc == 1) {
		printf("the reference of bench/divert-queue.py: no benchmark by itself\n");
		return 0;
	}
	if (argc > 2)
		r.ring = port_pages_new(RING_BYTES);
	if (argc > 2 && strcmp(argv[2], "copy") != 0 && open_file(&r, argv[2])) {
		perror(argv[2]);
		return 3;
	}
	if (run(&r, strtod(argv[1], NULL), &err)) {
		fprintf(stderr, "reference-queue: %s\n", err.text);
		return 3;
	}
	return 0;
}
