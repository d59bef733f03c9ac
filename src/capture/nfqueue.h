/* NFQUEUE: packets that the kernel holds until we say that they may go on.
 *
 *	nfq_open()       one netlink socket, bound to `count` neighbouring free queue numbers
 *	nfq_receive()    up to NFQ_BATCH messages into the batch's own memory; waits only if asked to
 *	nfq_packet_parse()   one message's packet; its pointers lend the batch's memory
 *	nfq_accept()     one message to the kernel: all packets of a queue up to an id go on, as they
 *	                 are (no payload goes back, so a packet cannot be altered)
 *	nfq_stats()      the kernel's counts; also after privileges were dropped
 *	nfq_close()      the queues go with the last copy of the socket
 *
 * A copy of the socket that a process inherited by fork() is the same listener: either process may
 * receive and accept (each needs CAP_NET_ADMIN to accept).
 * The kernel gives ids, counting from 1 in each queue, only to packets that it really queues.
 * Segments stay together (NFQA_CFG_F_GSO), so a packet may be 64 KiB long, and its checksum may
 * not have been filled in yet.
 *
 * Threads: a batch belongs to one thread.  The packet path allocates nothing.
 * Facts: include/uapi/linux/netfilter/nfnetlink_queue.h; net/netfilter/nfnetlink_queue.c. */
#ifndef WEIR_CAPTURE_NFQUEUE_H
#define WEIR_CAPTURE_NFQUEUE_H

#include "base/compiler.h"
#include "port/netlink.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NFQ_BATCH 64
/* An attribute's length has 16 bits, 4 bytes are its header. */
#define NFQ_MAX_PAYLOAD 65531
#define NFQ_MESSAGE     (NFQ_MAX_PAYLOAD + 1029)
#define NFQ_QUEUES      8

struct nfq {
	int fd;
	int table_fd; /* the kernel's table of queues, which only root may open */
	uint16_t first, count; /* queue numbers */
};

struct nfq_config {
	unsigned count;      /* of queues, 1..NFQ_QUEUES */
	uint32_t length;     /* packets a queue may hold */
	uint32_t copy_bytes; /* of each packet; 0: all */
	bool is_fail_open;   /* a full queue lets packets pass; else it drops them */
	size_t memory_bytes; /* the socket's receive buffer */
	uint16_t from;       /* first number to try */
	int64_t wait_ns;     /* the longest wait for a message; 0: for ever */
};

int nfq_open(struct nfq *q, const struct nfq_config *config,
	     struct weir_error *err) MUST_CHECK;
void nfq_close(struct nfq *q);

/* The batch's memory: taken once, 4 MiB. */
struct nfq_batch {
	uint8_t *memory;
	struct mmsghdr headers[NFQ_BATCH];
	struct iovec vectors[NFQ_BATCH];
};

int nfq_batch_init(struct nfq_batch *b, struct weir_error *err) MUST_CHECK;
void nfq_batch_fini(struct nfq_batch *b);

/* Messages received, as many as there are; 0 when there are none; negative errno.  With is_waiting
 * the first may be waited for (wait_ns): a system call less than poll() before it. */
int nfq_receive(const struct nfq *q, struct nfq_batch *b, bool is_waiting) MUST_CHECK;
/* What message `index` of the batch holds, as a cursor over netlink messages. */
struct cursor nfq_message(const struct nfq_batch *b, unsigned index);

/* One message, for large packets that should be copied once: its first header_bytes to the batch's
 * memory, what follows to `data`, which has room for NFQ_MESSAGE bytes.  Returns the message's
 * length, 0 when there is none; negative errno. */
int nfq_receive_split(const struct nfq *q, struct nfq_batch *b, size_t header_bytes,
		      uint8_t *data, bool is_waiting) MUST_CHECK;
/* The two parts put together in the batch's memory, as its message 0. */
void nfq_join(struct nfq_batch *b, size_t header_bytes, const uint8_t *data,
	      size_t length);

struct nfq_packet {
	uint32_t id;
	uint16_t queue;
	uint8_t hook; /* NF_INET_* */
	uint32_t in_index, out_index;
	const uint8_t *payload;
	uint32_t caplen, len;
	bool is_csum_not_ready, is_gso;
};

/* False when the message is not a packet, or lacks its header. */
bool nfq_packet_parse(const struct nl_message *m, struct nfq_packet *p);

/* The packet of a split message.  False also when its bytes do not begin exactly at `data`: join
 * then. */
bool nfq_packet_parse_split(const struct nfq_batch *b, size_t header_bytes,
			    const uint8_t *data, size_t length, struct nfq_packet *p);

/* Lets the packets of `queue` up to `id` go on.  That none is held any more is no error. */
int nfq_accept(const struct nfq *q, uint16_t queue, uint32_t id);

/* What the kernel counts of a queue. */
struct nfq_stats {
	uint32_t held;         /* now waiting for a verdict */
	uint32_t dropped;      /* the queue was full */
	uint32_t user_dropped; /* the socket's buffer was full */
	uint32_t last_id;
};

/* WEIR_ERR_ABSENT when there is no such queue. */
int nfq_stats(const struct nfq *q, uint16_t queue, struct nfq_stats *stats) MUST_CHECK;
/* One line of /proc/net/netfilter/nfnetlink_queue. */
bool nfq_stats_parse(const char *line, uint16_t *queue, struct nfq_stats *stats);
/* The packets that all queues of this network namespace hold, ours or not. */
uint64_t nfq_held_by_all(const struct nfq *q);

#endif
