#include "capture/packet_ring.h"

#include "base/mem.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_SIZE 2048 /* of no meaning in version 3, but checked */
/* Of the sockaddr_ll behind the header of a frame. */
#define ADDRESS_OFF ALIGN_UP(sizeof(struct tpacket3_hdr), (size_t)TPACKET_ALIGNMENT)

struct packet_ring {
	unsigned block, block_count; /* the one that is taken next */
	size_t block_bytes;
	uint64_t taken;
	uint8_t *map;
	/* Blocks that were taken and not given back.  Their status does not tell: it stays the
	 * reader's all the time. */
	atomic_bool *is_taken;
	int fd;
};

static int explain_socket(struct weir_error *err)
{
	if (errno == EPERM || errno == EACCES)
		return err_set(
			err, WEIR_ERR_PRIVILEGE,
			"cannot open a packet socket: the capability CAP_NET_RAW is "
			"missing (run as root, or 'setcap cap_net_raw+ep' the binary)");
	return err_sys(err, "cannot open a packet socket");
}

static int ask_ring(struct packet_ring *r, const struct packet_ring_config *config)
{
	struct tpacket_req3 q = { .tp_block_size = (unsigned)r->block_bytes,
				  .tp_block_nr = r->block_count,
				  .tp_frame_size = FRAME_SIZE,
				  .tp_frame_nr =
					  (unsigned)(packet_ring_bytes(r) / FRAME_SIZE),
				  .tp_retire_blk_tov = config->retire_ms };

	return setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof q);
}

/* A page's first access is slow where a hypervisor has to be asked: better here than under
 * traffic.  What is written is what was there: the blocks have their headers already. */
static void touch(volatile uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 4096)
		p[i] = p[i];
}

static int open_ring(struct packet_ring *r, const struct packet_ring_config *config,
		     struct weir_error *err)
{
	int version = TPACKET_V3;

	/* Protocol 0: nothing is received before packet_ring_bind(). */
	r->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (r->fd < 0)
		return explain_socket(err);
	if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RESERVE, &config->reserve,
		       sizeof config->reserve))
		return err_sys(err, "cannot set up a capture ring: TPACKET_V3");
	while (ask_ring(r, config)) {
		if (errno != ENOMEM || r->block_count < 4)
			return err_sys(err, "cannot set up a capture ring of %zu bytes",
				       packet_ring_bytes(r));
		r->block_count /= 2;
	}
	r->map = mmap(NULL, packet_ring_bytes(r), PROT_READ | PROT_WRITE, MAP_SHARED,
		      r->fd, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return err_sys(err, "cannot map a capture ring of %zu bytes",
			       packet_ring_bytes(r));
	}
	touch(r->map, packet_ring_bytes(r));
	return 0;
}

/* The largest that leave enough of them to be filled, converted and written at the same time. */
static void size_blocks(struct packet_ring *r, size_t bytes)
{
	r->block_bytes = PACKET_RING_BLOCK_MOST;
	while (r->block_bytes > PACKET_RING_BLOCK_LEAST && bytes / r->block_bytes < 32)
		r->block_bytes /= 2;
	r->block_count = (unsigned)(bytes / r->block_bytes);
	if (r->block_count < 2)
		r->block_count = 2;
}

int packet_ring_open(struct packet_ring **out, const struct packet_ring_config *config,
		     struct weir_error *err)
{
	struct packet_ring *r = mem_new(1, sizeof *r);
	int rc;

	*out = NULL;
	if (!r)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a capture ring");
	r->fd = -1;
	size_blocks(r, config->bytes);
	r->is_taken = mem_new(r->block_count, sizeof *r->is_taken);
	rc = r->is_taken
		     ? open_ring(r, config, err)
		     : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a capture ring");
	if (rc)
		packet_ring_close(r);
	else
		*out = r;
	return rc;
}

void packet_ring_close(struct packet_ring *r)
{
	if (!r)
		return;
	if (r->map)
		(void)munmap(r->map, packet_ring_bytes(r));
	if (r->fd >= 0)
		(void)close(r->fd);
	mem_free(r->is_taken);
	mem_free(r);
}

int packet_ring_filter(struct packet_ring *r, const struct sock_filter *program,
		       unsigned short count, struct weir_error *err)
{
	/* The kernel's structure is not const-correct; it only reads. */
	struct sock_fprog p = { .len = count,
				.filter = (struct sock_filter *)(uintptr_t)program };

	if (setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p))
		return err_sys(err, "cannot attach the filter to the packet socket");
	return 0;
}

int packet_ring_program(struct packet_ring *r, int program_fd, struct weir_error *err)
{
	if (setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_BPF, &program_fd, sizeof program_fd))
		return err_sys(err, "cannot attach the program to the packet socket");
	return 0;
}

int packet_ring_shut(struct packet_ring *r, struct weir_error *err)
{
	static const struct sock_filter nothing = { BPF_RET | BPF_K, 0, 0, 0 };

	return packet_ring_filter(r, &nothing, 1, err);
}

int packet_ring_bind(struct packet_ring *r, uint32_t ifindex, struct weir_error *err)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)ifindex };

	if (bind(r->fd, (const struct sockaddr *)&a, sizeof a))
		return err_sys(err, "cannot listen on interface %u", (unsigned)ifindex);
	return 0;
}

int packet_ring_fd(const struct packet_ring *r)
{
	return r->fd;
}

size_t packet_ring_bytes(const struct packet_ring *r)
{
	return r->block_count * r->block_bytes;
}

void packet_ring_clear_error(struct packet_ring *r)
{
	int e;
	socklen_t n = sizeof e;

	(void)getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &e, &n);
}

static struct tpacket_hdr_v1 *block_header(const struct packet_ring *r, unsigned index)
{
	void *block = r->map + index * r->block_bytes;

	return &((struct tpacket_block_desc *)block)->hdr.bh1;
}

/* Another core wrote the lines between two packets: fetch them before they are needed. */
static void prefetch(const uint8_t *header)
{
	__builtin_prefetch(header - 8, 1);
	__builtin_prefetch(header + 56, 1);
	__builtin_prefetch(header + 80, 1);
	__builtin_prefetch(header + 136, 1);
}

const uint8_t *packet_ring_ahead(struct ring_block *b, uint32_t *caplen)
{
	const struct tpacket3_hdr *h = (const void *)b->ahead;
	const uint8_t *data = b->ahead + h->tp_mac;

	if (!b->ahead_frames)
		return NULL;
	*caplen = h->tp_snaplen;
	if (--b->ahead_frames) {
		b->ahead += h->tp_next_offset;
		prefetch(b->ahead + 4 * (size_t)h->tp_next_offset);
	}
	return data;
}

void packet_ring_frame(struct ring_block *b, struct frame *f)
{
	const struct tpacket3_hdr *h = (const void *)b->at;
	const struct sockaddr_ll *a = (const void *)(b->at + ADDRESS_OFF);

	f->mac = b->at + h->tp_mac;
	f->net_off = h->tp_net > h->tp_mac ? (uint32_t)(h->tp_net - h->tp_mac) : 0;
	f->caplen = h->tp_snaplen;
	f->len = h->tp_len;
	f->ns = h->tp_sec * NS_PER_S + h->tp_nsec;
	f->status = h->tp_status;
	f->vlan_tci = (uint16_t)h->hv1.tp_vlan_tci;
	f->vlan_tpid = h->hv1.tp_vlan_tpid;
	f->ifindex = (uint32_t)a->sll_ifindex;
	f->hatype = a->sll_hatype;
	f->protocol = ntohs(a->sll_protocol);
	f->pkttype = a->sll_pkttype;
	f->address_length = a->sll_halen;
	memcpy(f->address, a->sll_addr, sizeof f->address);
	if (!--b->frames)
		return;
	b->at += h->tp_next_offset;
	/* The next one, and a guess that is right when sizes repeat. */
	prefetch(b->at);
	prefetch(b->at + 5 * (size_t)h->tp_next_offset);
}

/* Everything done to the block comes before its return (release); pairs with the kernel's read of
 * the status.  Only then the mark goes: it must never be seen as a new block of the kernel's. */
void packet_ring_give(struct packet_ring *r, unsigned index)
{
	__atomic_store_n(&block_header(r, index)->block_status, TP_STATUS_KERNEL,
			 __ATOMIC_RELEASE);
	atomic_store_explicit(&r->is_taken[index], false, memory_order_release);
}

/* The mark before the status (acquire, pairs with packet_ring_give()); the kernel's status before the
 * block's frames (acquire). */
static bool is_ready(const struct packet_ring *r, unsigned index)
{
	return !atomic_load_explicit(&r->is_taken[index], memory_order_acquire) &&
	       __atomic_load_n(&block_header(r, index)->block_status, __ATOMIC_ACQUIRE) &
		       TP_STATUS_USER;
}

bool packet_ring_take(struct packet_ring *r, struct ring_block *b)
{
	while (is_ready(r, r->block)) {
		const struct tpacket_hdr_v1 *h = block_header(r, r->block);

		*b = (struct ring_block){
			.data = r->map + r->block * r->block_bytes,
			.capacity = (uint32_t)r->block_bytes,
			.used = h->blk_len,
			.frames = h->num_pkts,
			.index = r->block,
		};
		b->at = b->ahead = b->data + h->offset_to_first_pkt;
		b->ahead_frames = b->frames;
		atomic_store_explicit(&r->is_taken[b->index], true, memory_order_relaxed);
		r->block = r->block + 1 == r->block_count ? 0 : r->block + 1;
		r->taken += b->frames;
		if (b->frames)
			return true;
		/* A packet that fills a block can leave an empty one behind. */
		packet_ring_give(r, b->index);
	}
	return false;
}

bool packet_ring_is_behind(const struct packet_ring *r, unsigned blocks)
{
	return blocks < r->block_count &&
	       is_ready(r, (r->block + blocks) % r->block_count);
}

unsigned packet_ring_blocks(const struct packet_ring *r)
{
	return r->block_count;
}

size_t packet_ring_block_bytes(const struct packet_ring *r)
{
	return r->block_bytes;
}

uint64_t packet_ring_taken(const struct packet_ring *r)
{
	return r->taken;
}

int packet_ring_counts(struct packet_ring *r, struct packet_counts *counts,
		       struct weir_error *err)
{
	struct tpacket_stats_v3 st;
	socklen_t n = sizeof st;

	/* Reading sets the kernel's counters back to 0; its packets include the dropped. */
	if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &st, &n))
		return err_sys(err, "cannot read the packet socket's counters");
	counts->dropped = st.tp_drops;
	counts->kept = st.tp_packets - st.tp_drops;
	return 0;
}
