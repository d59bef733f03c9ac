#include "capture/abilities.h"

#include "base/bytes.h"
#include "capture/nfqueue.h"
#include "port/bpf.h"
#include "port/netlink.h"
#include "port/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

/* No rule of anybody names queues up here: what is bound for a moment gets no packet. */
#define PROBE_QUEUE 65400

static void lacks(struct ability *a, const struct weir_error *err)
{
	a->is_there = false;
	(void)snprintf(a->why_not, sizeof a->why_not, "%.*s", (int)sizeof a->why_not - 1,
		       err->text);
}

static void probe_packet_socket(struct abilities *a)
{
	struct tpacket_req3 ring = { .tp_block_size = 1 << 16,
				     .tp_block_nr = 1,
				     .tp_frame_size = 1 << 11,
				     .tp_frame_nr = 1 << 5,
				     .tp_retire_blk_tov = 100 };
	int version = TPACKET_V3, fd;
	struct weir_error err;

	/* Protocol 0: the socket hears nothing. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		(void)err_sys(&err, "cannot open a packet socket");
		lacks(&a->packet_socket, &err);
		lacks(&a->packet_ring, &err);
		return;
	}
	a->packet_socket.is_there = a->packet_ring.is_there = true;
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring)) {
		(void)err_sys(&err, "cannot make a ring of version 3");
		lacks(&a->packet_ring, &err);
	}
	(void)close(fd);
}

static bool takes_flag(const struct nfq *q, uint32_t flag)
{
	uint8_t bytes[128];
	struct nl_builder b;
	struct nfgenmsg family = { .nfgen_family = AF_UNSPEC,
				   .version = NFNETLINK_V0,
				   .res_id = htons(q->first) };

	nl_build(&b, bytes, sizeof bytes, 1);
	nl_begin(&b, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, NLM_F_ACK);
	nl_raw(&b, &family, sizeof family);
	nl_put_u32be(&b, NFQA_CFG_FLAGS, flag);
	nl_put_u32be(&b, NFQA_CFG_MASK, flag);
	nl_end(&b);
	return !b.is_full && nl_transact(q->fd, &b, NULL, NULL, NULL, NULL) == 0;
}

static void probe_queue(struct abilities *a)
{
	struct nfq_config config = { .count = 1, .length = 1, .from = PROBE_QUEUE };
	struct weir_error err;
	struct nfq q;

	if (nfq_open(&q, &config, &err)) {
		lacks(&a->queue, &err);
		return;
	}
	a->queue.is_there = true;
	a->has_gso = takes_flag(&q, NFQA_CFG_F_GSO);
	a->has_fail_open = takes_flag(&q, NFQA_CFG_F_FAIL_OPEN);
	a->has_user_ids = takes_flag(&q, NFQA_CFG_F_UID_GID);
	a->has_conntrack = takes_flag(&q, NFQA_CFG_F_CONNTRACK);
	nfq_close(&q);
}

static void probe_bpf(struct abilities *a)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct port_bpf_program program = { .type = BPF_PROG_TYPE_SOCKET_FILTER,
					    .insns = insns,
					    .count = ARRAY_LEN(insns),
					    .name = "weir_doctor" };
	struct weir_error err;
	int fd = port_bpf_program_load(&program, &err);

	if (fd < 0) {
		lacks(&a->bpf, &err);
		return;
	}
	a->bpf.is_there = true;
	(void)close(fd);
}

/* /proc/self/mounts: "cgroup2 /sys/fs/cgroup cgroup2 rw,... 0 0". */
static void find_cgroup2(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], type[32];

	path[0] = '\0';
	if (!f)
		return;
	while (!path[0] && fgets(line, sizeof line, f)) {
		char where[256];

		if (sscanf(line, "%*s %255s %31s", where, type) == 2 &&
		    !strcmp(type, "cgroup2"))
			(void)snprintf(path, size, "%s", where);
	}
	(void)fclose(f);
}

void abilities_probe(struct abilities *a)
{
	struct weir_error err;

	memset(a, 0, sizeof *a);
	probe_packet_socket(a);
	if (nft_probe(&a->nft, &err)) {
		lacks(&a->tables, &err);
	} else if (!a->nft.has_tables) {
		(void)err_set(&err, WEIR_ERR_UNSUPPORTED, "this kernel has no nf_tables");
		lacks(&a->tables, &err);
	} else {
		a->tables.is_there = true;
	}
	probe_queue(a);
	probe_bpf(a);
	find_cgroup2(a->cgroup2, sizeof a->cgroup2);
	/* The kernel tells where it loaded the interpreter: a static program has none. */
	a->is_static = getauxval(AT_BASE) == 0;
}

void ways_choose(struct ways *w, const struct abilities *a)
{
	memset(w, 0, sizeof *w);
	w->queue = a->nft.has_native_queue   ? NFT_QUEUE_NATIVE
		   : a->nft.has_compat_queue ? NFT_QUEUE_COMPAT
					     : NFT_QUEUE_NONE;
	w->is_owned = a->nft.has_owner;
	w->has_heartbeat = a->bpf.is_there && a->nft.has_bpf_match;
	w->filters_in_kernel = a->bpf.is_there;
	if (!a->tables.is_there)
		w->no_divert = a->tables.why_not;
	else if (w->queue == NFT_QUEUE_NONE)
		w->no_divert =
			"nf_tables has neither the queue expression nor the NFQUEUE "
			"target";
	else if (!a->queue.is_there)
		w->no_divert = a->queue.why_not;
	w->can_sniff = a->packet_ring.is_there;
	if (!w->can_sniff)
		w->no_sniff = a->packet_ring.why_not;
}
