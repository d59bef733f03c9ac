#include "capture/nfqueue.h"

#include "base/time.h"
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <unistd.h>

#define TABLE_FILE "/proc/net/netfilter/nfnetlink_queue"
/* Some 60 bytes a queue: enough for 250 of them. */
#define TABLE_BYTES ((size_t)15 * 1024)
/* Queue numbers that are tried before giving up. */
#define TRIES 512

static uint16_t queue_type(int message)
{
	return (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | message);
}

static void begin(struct nl_builder *b, int message, uint16_t flags, uint16_t queue)
{
	struct nfgenmsg g = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };

	put_u16be((uint8_t *)&g.res_id, queue);
	nl_begin(b, queue_type(message), flags);
	nl_raw(b, &g, sizeof g);
}

/* Positive errno.  EPERM: another socket has this number; EBUSY: we have it. */
static int command(int fd, uint16_t queue, uint8_t what)
{
	const struct nfqnl_msg_config_cmd c = { .command = what };
	uint8_t bytes[128];
	struct nl_builder b;

	nl_build(&b, bytes, sizeof bytes, 0);
	begin(&b, NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
	nl_put(&b, NFQA_CFG_CMD, &c, sizeof c);
	nl_end(&b);
	return nl_transact(fd, &b, NULL, NULL, NULL, NULL);
}

static int configure(int fd, uint16_t queue, const struct nfq_config *config)
{
	uint32_t range = config->copy_bytes && config->copy_bytes < NFQ_MAX_PAYLOAD
				 ? config->copy_bytes
				 : NFQ_MAX_PAYLOAD;
	uint32_t flags =
		NFQA_CFG_F_GSO | (config->is_fail_open ? NFQA_CFG_F_FAIL_OPEN : 0u);
	struct nfqnl_msg_config_params params = { .copy_mode = NFQNL_COPY_PACKET };
	uint8_t bytes[256];
	struct nl_builder b;

	put_u32be((uint8_t *)&params.copy_range, range);
	nl_build(&b, bytes, sizeof bytes, 0);
	begin(&b, NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
	nl_put(&b, NFQA_CFG_PARAMS, &params, sizeof params);
	nl_put_u32be(&b, NFQA_CFG_QUEUE_MAXLEN, config->length);
	nl_put_u32be(&b, NFQA_CFG_FLAGS, flags);
	nl_put_u32be(&b, NFQA_CFG_MASK,
		     NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_UID_GID);
	nl_end(&b);
	return nl_transact(fd, &b, NULL, NULL, NULL, NULL);
}

static void unbind(int fd, uint16_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)command(fd, (uint16_t)(first + i), NFQNL_CFG_CMD_UNBIND);
}

/* All of count neighbouring numbers, or none. */
static int bind_run(struct nfq *q, uint16_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int e = command(q->fd, (uint16_t)(first + i), NFQNL_CFG_CMD_BIND);

		if (!e)
			continue;
		unbind(q->fd, first, i);
		return e;
	}
	q->first = first;
	q->count = (uint16_t)count;
	return 0;
}

static int bind_free(struct nfq *q, const struct nfq_config *config,
		     struct weir_error *err)
{
	uint16_t first = config->from;
	int e = EPERM;

	for (unsigned i = 0; i < TRIES && (e == EPERM || e == EBUSY); i++) {
		if (first > UINT16_MAX - config->count)
			first = 1;
		e = bind_run(q, first, config->count);
		first = (uint16_t)(first + config->count);
	}
	errno = e;
	if (e == EPERM || e == EBUSY)
		return err_set(err, WEIR_ERR_BUSY,
			       "cannot find a free NFQUEUE number: tried %d from %u",
			       TRIES, config->from);
	return e ? err_sys(err, "cannot bind NFQUEUE %u", first) : 0;
}

/* A full buffer is no error of ours to see: it shows in the kernel's counters. */
static void set_socket(int fd, const struct nfq_config *config)
{
	int bytes = (int)(config->memory_bytes / 2), on = 1; /* the kernel doubles it */
	/* Rounded up: to the kernel 0 is for ever. */
	int64_t wait_us = (config->wait_ns + NS_PER_US - 1) / NS_PER_US,
		us_per_s = NS_PER_S / NS_PER_US;
	struct timeval wait = { .tv_sec = wait_us / us_per_s,
				.tv_usec = wait_us % us_per_s };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
}

/* Without it nobody could tell what the kernel dropped: no recording. */
static int open_table(struct nfq *q, struct weir_error *err)
{
	q->table_fd = open(TABLE_FILE, O_RDONLY | O_CLOEXEC);
	if (q->table_fd >= 0)
		return 0;
	if (errno == EACCES)
		return err_set(err, WEIR_ERR_PRIVILEGE,
			       "cannot open '%s', which says what the kernel dropped: "
			       "capability cap_dac_read_search is missing",
			       TABLE_FILE);
	return err_sys(err, "cannot open '%s'", TABLE_FILE);
}

int nfq_open(struct nfq *q, const struct nfq_config *config, struct weir_error *err)
{
	int rc;

	*q = (struct nfq){ .fd = -1, .table_fd = -1 };
	if (!port_have_capability("net_admin"))
		return err_set(
			err, WEIR_ERR_PRIVILEGE,
			"cannot divert packets: capability CAP_NET_ADMIN is missing");
	rc = nl_open(NETLINK_NETFILTER, &q->fd, err);
	if (rc)
		return rc;
	rc = open_table(q, err);
	if (!rc)
		rc = bind_free(q, config, err);
	for (unsigned i = 0; !rc && i < q->count; i++) {
		errno = configure(q->fd, (uint16_t)(q->first + i), config);
		if (errno)
			rc = err_sys(err, "cannot configure NFQUEUE %u", q->first + i);
	}
	if (rc)
		nfq_close(q);
	else
		set_socket(q->fd, config);
	return rc;
}

void nfq_close(struct nfq *q)
{
	if (q->fd >= 0)
		(void)close(q->fd);
	if (q->table_fd >= 0)
		(void)close(q->table_fd);
	q->fd = q->table_fd = -1;
}

int nfq_batch_init(struct nfq_batch *b, struct weir_error *err)
{
	memset(b, 0, sizeof *b);
	b->memory = port_pages_new((size_t)NFQ_BATCH * NFQ_MESSAGE);
	if (!b->memory)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for %d packets of %d bytes", NFQ_BATCH,
			       NFQ_MESSAGE);
	for (unsigned i = 0; i < NFQ_BATCH; i++) {
		b->vectors[i] = (struct iovec){ b->memory + (size_t)i * NFQ_MESSAGE,
						NFQ_MESSAGE };
		b->headers[i].msg_hdr.msg_iov = &b->vectors[i];
		b->headers[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

void nfq_batch_fini(struct nfq_batch *b)
{
	port_pages_free(b->memory, (size_t)NFQ_BATCH * NFQ_MESSAGE);
	b->memory = NULL;
}

/* What is no error: nothing is there, or the kernel tells that its buffer was full. */
static int nothing_or(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS ? 0 : -error;
}

int nfq_receive(const struct nfq *q, struct nfq_batch *b, bool is_waiting)
{
	int n = recvmmsg(q->fd, b->headers, NFQ_BATCH,
			 is_waiting ? MSG_WAITFORONE : MSG_DONTWAIT, NULL);

	return n >= 0 ? n : nothing_or(errno);
}

struct cursor nfq_message(const struct nfq_batch *b, unsigned index)
{
	struct cursor c;

	cur_init(&c, b->vectors[index].iov_base, b->headers[index].msg_len);
	return c;
}

int nfq_receive_split(const struct nfq *q, struct nfq_batch *b, size_t header_bytes,
		      uint8_t *data, bool is_waiting)
{
	struct iovec parts[2] = { { b->memory, header_bytes },
				  { data, NFQ_MESSAGE - header_bytes } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n = recvmsg(q->fd, &m, is_waiting ? 0 : MSG_DONTWAIT);

	return n >= 0 ? (int)n : nothing_or(errno);
}

void nfq_join(struct nfq_batch *b, size_t header_bytes, const uint8_t *data,
	      size_t length)
{
	if (length > header_bytes)
		memcpy(b->memory + header_bytes, data, length - header_bytes);
	b->headers[0].msg_len = (unsigned)length;
}

static void take_attr(struct nfq_packet *p, struct nl_attr *a, bool *has_header)
{
	uint32_t bits;

	switch (a->type) {
	case NFQA_PACKET_HDR:
		p->id = cur_u32be(&a->body);
		cur_skip(&a->body, 2); /* hardware protocol */
		p->hook = cur_u8(&a->body);
		*has_header = !a->body.is_bad;
		break;
	case NFQA_IFINDEX_INDEV:
		p->in_index = cur_u32be(&a->body);
		break;
	case NFQA_IFINDEX_OUTDEV:
		p->out_index = cur_u32be(&a->body);
		break;
	case NFQA_PAYLOAD:
		p->caplen = (uint32_t)cur_left(&a->body);
		p->payload = cur_bytes(&a->body, p->caplen);
		break;
	case NFQA_CAP_LEN:
		p->len = cur_u32be(&a->body);
		break;
	case NFQA_SKB_INFO:
		bits = cur_u32be(&a->body);
		p->is_csum_not_ready = bits & NFQA_SKB_CSUMNOTREADY;
		p->is_gso = bits & NFQA_SKB_GSO;
		break;
	default:
		break;
	}
}

bool nfq_packet_parse(const struct nl_message *m, struct nfq_packet *p)
{
	struct cursor c = m->body;
	bool has_header = false;
	struct nl_attr a;

	memset(p, 0, sizeof *p);
	if (m->type != queue_type(NFQNL_MSG_PACKET))
		return false;
	cur_skip(&c, 2); /* family, version */
	p->queue = cur_u16be(&c);
	while (nl_next_attr(&c, &a))
		take_attr(p, &a, &has_header);
	/* Without CAP_LEN the payload is the whole packet. */
	if (p->len < p->caplen)
		p->len = p->caplen;
	return has_header && !c.is_bad;
}

bool nfq_packet_parse_split(const struct nfq_batch *b, size_t header_bytes,
			    const uint8_t *data, size_t length, struct nfq_packet *p)
{
	const size_t fixed = sizeof(struct nlmsghdr);
	struct nlmsghdr h;
	struct nlattr last;
	struct nl_message m;

	if (header_bytes < fixed + sizeof last || length < header_bytes)
		return false;
	memcpy(&h, b->memory, sizeof h);
	memcpy(&last, b->memory + header_bytes - sizeof last, sizeof last);
	if (h.nlmsg_len != length || last.nla_type != NFQA_PAYLOAD ||
	    last.nla_len != length - header_bytes + sizeof last)
		return false;
	m = (struct nl_message){ .type = h.nlmsg_type };
	cur_init(&m.body, b->memory + fixed, header_bytes - sizeof last - fixed);
	if (!nfq_packet_parse(&m, p) || p->payload)
		return false;
	p->payload = data;
	p->caplen = (uint32_t)(length - header_bytes);
	if (p->len < p->caplen)
		p->len = p->caplen;
	return true;
}

int nfq_accept(const struct nfq *q, uint16_t queue, uint32_t id)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nfqnl_msg_verdict_hdr h;
	uint8_t bytes[64];
	struct nl_builder b;

	put_u32be((uint8_t *)&h.verdict, NF_ACCEPT);
	put_u32be((uint8_t *)&h.id, id);
	nl_build(&b, bytes, sizeof bytes, 0);
	begin(&b, NFQNL_MSG_VERDICT_BATCH, 0, queue);
	nl_put(&b, NFQA_VERDICT_HDR, &h, sizeof h);
	nl_end(&b);
	/* No acknowledgement is asked for; a refusal (ENOENT: none held) comes as a message that
	 * nfq_packet_parse() passes over. */
	return sendto(q->fd, b.bytes, b.length, 0, (struct sockaddr *)&kernel,
		      sizeof kernel) < 0
		       ? -errno
		       : 0;
}

bool nfq_stats_parse(const char *line, uint16_t *queue, struct nfq_stats *s)
{
	unsigned number;

	if (sscanf(line, "%u %*u %u %*u %*u %u %u %u", &number, &s->held, &s->dropped,
		   &s->user_dropped, &s->last_id) != 5 ||
	    number > UINT16_MAX)
		return false;
	*queue = (uint16_t)number;
	return true;
}

/* Calls visit with each line of the kernel's table, until it returns true. */
static bool each_queue(const struct nfq *q, bool (*visit)(void *arg, const char *line),
		       void *arg)
{
	char text[TABLE_BYTES + 1], *line = text, *end;
	size_t used = 0;
	ssize_t n;

	while (used < TABLE_BYTES &&
	       (n = pread(q->table_fd, text + used, TABLE_BYTES - used, (off_t)used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (visit(arg, line))
			return true;
	}
	return false;
}

struct wanted {
	uint16_t queue;
	struct nfq_stats *stats;
};

static bool is_wanted(void *arg, const char *line)
{
	struct wanted *w = arg;
	uint16_t number;

	return nfq_stats_parse(line, &number, w->stats) && number == w->queue;
}

int nfq_stats(const struct nfq *q, uint16_t queue, struct nfq_stats *stats)
{
	struct wanted w = { .queue = queue, .stats = stats };

	return each_queue(q, is_wanted, &w) ? 0 : WEIR_ERR_ABSENT;
}

static bool add_held(void *arg, const char *line)
{
	struct nfq_stats stats;
	uint64_t *held = arg;
	uint16_t number;

	if (nfq_stats_parse(line, &number, &stats))
		*held += stats.held;
	return false;
}

uint64_t nfq_held_by_all(const struct nfq *q)
{
	uint64_t held = 0;

	(void)each_queue(q, add_held, &held);
	return held;
}
