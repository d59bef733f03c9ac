#include "capture/packet_ring.h"

#include "base/mem.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_SIZE 2048 /* of no meaning in version 3, but checked */
/* Of the sockaddr_ll behind the header of a frame. */
#define ADDRESS_OFF ALIGN_UP(sizeof(struct tpacket3_hdr), (size_t)TPACKET_ALIGNMENT)

struct packet_ring {
	const uint8_t *at; /* the present frame's header, where left > 0 */
	uint32_t left;     /* frames of the present block that were not passed yet */
	unsigned block, block_count;
	struct frame frame;
	uint64_t walked;
	uint8_t *map;
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
	struct tpacket_req3 q = { .tp_block_size = PACKET_RING_BLOCK,
				  .tp_block_nr = r->block_count,
				  .tp_frame_size = FRAME_SIZE,
				  .tp_frame_nr = r->block_count *
						 (PACKET_RING_BLOCK / FRAME_SIZE),
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
	if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version))
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

int packet_ring_open(struct packet_ring **out, const struct packet_ring_config *config,
		     struct weir_error *err)
{
	struct packet_ring *r = mem_new(1, sizeof *r);
	int rc;

	*out = NULL;
	if (!r)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a capture ring");
	r->fd = -1;
	r->block_count = (unsigned)(config->bytes / PACKET_RING_BLOCK);
	if (r->block_count < 2)
		r->block_count = 2;
	rc = open_ring(r, config, err);
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
	return (size_t)r->block_count * PACKET_RING_BLOCK;
}

void packet_ring_clear_error(struct packet_ring *r)
{
	int e;
	socklen_t n = sizeof e;

	(void)getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &e, &n);
}

static struct tpacket_hdr_v1 *block_header(const struct packet_ring *r)
{
	void *block = r->map + (size_t)r->block * PACKET_RING_BLOCK;

	return &((struct tpacket_block_desc *)block)->hdr.bh1;
}

static void read_frame(struct packet_ring *r)
{
	const struct tpacket3_hdr *h = (const void *)r->at;
	const struct sockaddr_ll *a = (const void *)(r->at + ADDRESS_OFF);
	struct frame *f = &r->frame;

	f->mac = r->at + h->tp_mac;
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
	/* Another core wrote the next header: fetch it before it is needed. */
	__builtin_prefetch(r->at + h->tp_next_offset);
}

/* Everything read from the block comes before its return (release); pairs with the kernel's read
 * of the status. */
static void release_block(struct packet_ring *r)
{
	__atomic_store_n(&block_header(r)->block_status, TP_STATUS_KERNEL,
			 __ATOMIC_RELEASE);
	r->block = r->block + 1 == r->block_count ? 0 : r->block + 1;
}

/* The kernel's status comes before the block's frames (acquire). */
static bool take_block(struct packet_ring *r)
{
	const struct tpacket_hdr_v1 *h = block_header(r);

	if (!(__atomic_load_n(&h->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	r->left = h->num_pkts;
	r->at = (const uint8_t *)h - offsetof(struct tpacket_block_desc, hdr) +
		h->offset_to_first_pkt;
	/* A packet that fills a block can leave an empty one behind. */
	if (r->left)
		read_frame(r);
	else
		release_block(r);
	return true;
}

const struct frame *packet_ring_peek(struct packet_ring *r)
{
	while (!r->left)
		if (!take_block(r))
			return NULL;
	return &r->frame;
}

void packet_ring_next(struct packet_ring *r)
{
	const struct tpacket3_hdr *h = (const void *)r->at;

	r->walked++;
	if (--r->left) {
		r->at += h->tp_next_offset;
		read_frame(r);
	} else {
		release_block(r);
	}
}

uint64_t packet_ring_walked(const struct packet_ring *r)
{
	return r->walked;
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
