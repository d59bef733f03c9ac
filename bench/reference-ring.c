/* The floor of what recording costs: a TPACKET_V3 ring whose blocks are written as they are.
 *
 *	reference-ring INTERFACE FILE [MiB]
 *
 * 1 MiB blocks, MiB of them (64), synchronous O_DIRECT writes straight out of the ring, nothing
 * looked at but the blocks' headers.  What it writes is no capture file: no program reads it.  Runs
 * until SIGINT or SIGTERM, then takes what the ring holds, and prints one JSON object. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BLOCK = 1 << 20,
	PAGE = 4096,
	TIMEOUT_MS = 100,
	LAST_LOOKS = 3
};

#define PREALLOCATED ((off_t)6 << 30)

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
	(void)number;
	is_stopped = 1;
}

struct ring {
	int fd, out;
	uint8_t *memory;
	unsigned blocks, next;
	uint64_t packets, written;
};

static int open_ring(struct ring *r, const char *interface)
{
	struct tpacket_req3 request = { .tp_block_size = BLOCK,
					.tp_block_nr = r->blocks,
					.tp_frame_size = 2048,
					.tp_frame_nr = r->blocks * (BLOCK / 2048),
					.tp_retire_blk_tov = TIMEOUT_MS };
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(interface) };
	size_t size = (size_t)r->blocks * BLOCK;
	int version = TPACKET_V3;

	r->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (r->fd < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request))
		return -1;
	r->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_LOCKED,
			 r->fd, 0);
	if (r->memory == MAP_FAILED)
		return -1;
	return bind(r->fd, (const struct sockaddr *)&at, sizeof at);
}

static int write_block(struct ring *r, const struct tpacket_block_desc *block)
{
	size_t size = (block->hdr.bh1.blk_len + PAGE - 1) & ~(size_t)(PAGE - 1);

	if (pwrite(r->out, block, size, (off_t)r->written) != (ssize_t)size)
		return -1;
	r->written += size;
	r->packets += block->hdr.bh1.num_pkts;
	return 0;
}

static int run(struct ring *r)
{
	struct pollfd wait = { .fd = r->fd, .events = POLLIN };
	int looks = 0;

	for (;;) {
		struct tpacket_block_desc *block =
			(void *)(r->memory + (size_t)r->next * BLOCK);
		uint32_t *status = &block->hdr.bh1.block_status;

		/* Pairs with the kernel's release of the block. */
		if (!(__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
			if (is_stopped && ++looks > LAST_LOOKS)
				return 0;
			(void)poll(&wait, 1, TIMEOUT_MS);
			continue;
		}
		looks = 0;
		if (write_block(r, block))
			return -1;
		__atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		r->next = (r->next + 1) % r->blocks;
	}
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	struct ring r = { .blocks =
				  argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 64 };
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t size = sizeof stats;

	if (argc < 3 || argc > 4 || !r.blocks) {
		(void)fprintf(stderr, "usage: reference-ring INTERFACE FILE [MiB]\n");
		return 2;
	}
	(void)signal(SIGINT, stop);
	(void)signal(SIGTERM, stop);
	r.out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
	if (r.out < 0)
		return fail(argv[2]);
	(void)posix_fallocate(r.out, 0, PREALLOCATED);
	if (open_ring(&r, argv[1]))
		return fail(argv[1]);
	if (run(&r) || ftruncate(r.out, (off_t)r.written))
		return fail(argv[2]);
	(void)getsockopt(r.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	printf("{\"packets\":%llu,\"dropped\":%u,\"written_bytes\":%llu}\n",
	       (unsigned long long)r.packets, stats.tp_drops,
	       (unsigned long long)r.written);
	return 0;
}
