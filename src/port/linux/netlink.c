#include "port/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes taken from the socket at once; the kernel makes the parts of a dump no larger than that. */
#define ANSWER_BYTES (8 * 1024)
/* NLA_TYPE_MASK is a negative int. */
#define ATTR_TYPE ((uint16_t)NLA_TYPE_MASK)

static uint16_t read_u16(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 2);
	uint16_t v = 0;

	if (p)
		memcpy(&v, p, sizeof v);
	return v;
}

static uint32_t read_u32(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof v);
	return v;
}

void nl_build(struct nl_builder *b, void *bytes, size_t room, uint32_t sequence)
{
	*b = (struct nl_builder){ .bytes = bytes, .room = room, .sequence = sequence };
}

/* Room for n bytes and the padding behind them, zeroed; NULL sets is_full. */
static uint8_t *take(struct nl_builder *b, size_t n)
{
	size_t padded = ALIGN_UP(n, (size_t)NLMSG_ALIGNTO);
	uint8_t *p = b->bytes + b->length;

	if (b->is_full || n > b->room || b->room - b->length < padded) {
		b->is_full = true;
		return NULL;
	}
	memset(p, 0, padded);
	b->length += padded;
	return p;
}

void nl_begin(struct nl_builder *b, uint16_t type, uint16_t flags)
{
	struct nlmsghdr h = { .nlmsg_type = type,
			      .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST),
			      .nlmsg_seq = ++b->sequence };

	b->message = b->length;
	nl_raw(b, &h, sizeof h);
}

void nl_end(struct nl_builder *b)
{
	uint32_t length = (uint32_t)(b->length - b->message);

	if (!b->is_full)
		memcpy(b->bytes + b->message, &length, sizeof length);
}

void nl_raw(struct nl_builder *b, const void *bytes, size_t length)
{
	uint8_t *p = take(b, length);

	if (p)
		memcpy(p, bytes, length);
}

void nl_put(struct nl_builder *b, uint16_t type, const void *bytes, size_t length)
{
	struct nlattr h = { .nla_type = type };
	uint8_t *p;

	if (length > UINT16_MAX - sizeof h)
		b->is_full = true;
	p = take(b, sizeof h + length);
	if (!p)
		return;
	h.nla_len = (uint16_t)(sizeof h + length);
	memcpy(p, &h, sizeof h);
	if (length)
		memcpy(p + sizeof h, bytes, length);
}

void nl_put_u16be(struct nl_builder *b, uint16_t type, uint16_t value)
{
	uint8_t bytes[2];

	put_u16be(bytes, value);
	nl_put(b, type, bytes, sizeof bytes);
}

void nl_put_u32be(struct nl_builder *b, uint16_t type, uint32_t value)
{
	uint8_t bytes[4];

	put_u32be(bytes, value);
	nl_put(b, type, bytes, sizeof bytes);
}

void nl_put_text(struct nl_builder *b, uint16_t type, const char *text)
{
	nl_put(b, type, text, strlen(text) + 1);
}

size_t nl_nest(struct nl_builder *b, uint16_t type)
{
	size_t nest = b->length;

	nl_put(b, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
	return nest;
}

void nl_unnest(struct nl_builder *b, size_t nest)
{
	size_t length = b->length - nest;
	uint16_t value = (uint16_t)length;

	if (length > UINT16_MAX)
		b->is_full = true;
	if (!b->is_full)
		memcpy(b->bytes + nest, &value, sizeof value);
}

/* Lends `length` bytes of c as a cursor and passes them with their padding, which may be missing
 * behind the last one. */
static bool take_body(struct cursor *c, struct cursor *body, size_t length)
{
	const uint8_t *p = cur_bytes(c, length);
	size_t padding = ALIGN_UP(length, (size_t)NLMSG_ALIGNTO) - length;

	if (!p)
		return false;
	cur_init(body, p, length);
	cur_skip(c, padding < cur_left(c) ? padding : cur_left(c));
	return true;
}

bool nl_next_message(struct cursor *c, struct nl_message *m)
{
	uint32_t length;

	if (c->is_bad || !cur_left(c))
		return false;
	length = read_u32(c);
	m->type = read_u16(c);
	m->flags = read_u16(c);
	m->sequence = read_u32(c);
	(void)read_u32(c); /* port id */
	if (length < sizeof(struct nlmsghdr))
		c->is_bad = true;
	return !c->is_bad && take_body(c, &m->body, length - sizeof(struct nlmsghdr));
}

bool nl_next_attr(struct cursor *c, struct nl_attr *a)
{
	uint16_t length;

	if (c->is_bad || !cur_left(c))
		return false;
	length = read_u16(c);
	a->type = read_u16(c) & ATTR_TYPE;
	if (length < sizeof(struct nlattr))
		c->is_bad = true;
	return !c->is_bad && take_body(c, &a->body, length - sizeof(struct nlattr));
}

void nl_attr_text(const struct nl_attr *a, char *text, size_t size)
{
	size_t n = strnlen((const char *)a->body.at, cur_left(&a->body));

	if (n > size - 1)
		n = size - 1;
	memcpy(text, a->body.at, n);
	text[n] = '\0';
}

int nl_message_errno(const struct nl_message *m)
{
	struct cursor c = m->body;
	int32_t value = (int32_t)read_u32(&c);

	if (c.is_bad || value > 0 || value < -4095)
		return EBADMSG;
	return -value;
}

int nl_open(int protocol, int *fd, struct weir_error *err)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK };

	*fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (*fd >= 0 && !bind(*fd, (struct sockaddr *)&me, sizeof me))
		return 0;
	(void)err_sys(err, "cannot open a netlink socket");
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	return err ? (int)err->code : WEIR_ERR_SYSTEM;
}

int nl_port_id(int fd, uint32_t *port_id)
{
	struct sockaddr_nl me = { .nl_pid = 0 };
	socklen_t size = sizeof me;

	if (getsockname(fd, (struct sockaddr *)&me, &size))
		return WEIR_ERR_SYSTEM;
	*port_id = me.nl_pid;
	return 0;
}

struct answers {
	unsigned acks;
	int error;
	uint32_t failed;
	nl_visit visit;
	void *arg;
};

static void take_answer(struct answers *a, const struct nl_message *m)
{
	int error;

	if (m->type == NLMSG_ERROR) {
		error = nl_message_errno(m);
		if (!error) {
			a->acks++;
		} else if (!a->error) {
			a->error = error;
			a->failed = m->sequence;
		}
	} else if (m->type >= NLMSG_MIN_TYPE && a->visit) {
		a->visit(a->arg, m);
	}
}

/* recv() runs the rest of a dump, so that an empty socket means that all has come. */
static int read_answers(int fd, struct answers *a)
{
	uint8_t bytes[ANSWER_BYTES];
	struct nl_message m;
	struct cursor c;
	ssize_t n;

	for (;;) {
		n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : errno;
		if ((size_t)n > sizeof bytes)
			return EMSGSIZE;
		cur_init(&c, bytes, (size_t)n);
		while (nl_next_message(&c, &m))
			take_answer(a, &m);
		if (c.is_bad)
			return EBADMSG;
	}
}

int nl_transact(int fd, const struct nl_builder *b, unsigned *acks, uint32_t *failed,
		nl_visit visit, void *arg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct answers a = { .visit = visit, .arg = arg };
	ssize_t n;
	int rc;

	if (b->is_full)
		return EMSGSIZE;
	do
		n = sendto(fd, b->bytes, b->length, 0, (struct sockaddr *)&kernel,
			   sizeof kernel);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	rc = read_answers(fd, &a);
	if (acks)
		*acks = a.acks;
	if (failed)
		*failed = a.failed;
	return a.error ? a.error : rc;
}
