/* The form pcapng (draft-ietf-opsawg-pcapng-05): blocks, each with its length before and behind.
 *
 * A section's byte order and interfaces end with it; packets name the interfaces of their own
 * section, which are entered in the reader's table (equal ones once).  Blocks that hold no packet
 * are passed by their length; section lengths are not needed and not believed. */
#include "store/pcapng_reader.h"

#include "base/mem.h"
#include "store/pcapng_clock.h"
#include "store/pcapng_iface.h"
#include "store/pcapng_option.h"
#include "store/process_block.h"
#include "store/record.h"

#include <stdarg.h>
#include <sys/stat.h>

enum {
	BLOCK_IFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	LEAST_BLOCK = 12,
	LEAST_SECTION = 28,
	DROPS_UNKNOWN = 0xffff, /* of the old packet block */
};

#define BLOCK_SECTION UINT32_C(0x0a0d0d0a)
#define ORDER_MAGIC   UINT32_C(0x1a2b3c4d)

enum {
	OPT_COMMENT = 1,
	OPT_FLAGS = 2,
	OPT_DROPS = 4,
	OPT_ID = 5,
	OPT_QUEUE = 6,
	OPT_PROCESS = 8,
};

/* Of the statistics. */
enum {
	OPT_IFACE_DROPS = 5,
	OPT_SYSTEM_DROPS = 7
};

/* An interface of the present section. */
struct section_iface {
	struct pcapng_clock clock;
	unsigned index;        /* in the reader's table */
	uint64_t drops;        /* by the last statistics */
	uint64_t packet_drops; /* by its packets */
	uint32_t snaplen;
	uint16_t linktype;
};

struct pcapng_reader {
	struct reader base;
	struct window w;
	bool is_big;
	unsigned sections;
	struct section_iface *ifaces;
	unsigned count, room;
	uint64_t offset; /* of the last packet's block */
	uint32_t length;
	bool may_wait; /* a look at the next block may wait for whoever writes it */
};

bool pcapng_is_magic(const uint8_t first[4])
{
	return get_u32le(first) == BLOCK_SECTION;
}

PRINTF_LIKE(3, 4)

static int damage(uint64_t offset, struct weir_error *err, const char *format, ...)
{
	char what[WEIR_ERROR_TEXT];
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(what, sizeof what, format, ap) < 0)
		what[0] = '\0';
	va_end(ap);
	return err_set(err, WEIR_ERR_FORMAT, "at offset %llu: %.300s",
		       (unsigned long long)offset, what);
}

/* Byte order and length of the block that begins in the window. */
static int read_start(struct pcapng_reader *r, struct pcapng_block *b,
		      struct weir_error *err)
{
	size_t want = 8;
	struct cursor c;
	int rc = window_want(&r->w, want, err);

	if (rc > 0 && pcapng_is_magic(window_bytes(&r->w)))
		rc = window_want(&r->w, want = 12, err);
	if (rc < 0 || (!rc && !window_left(&r->w)))
		return rc;
	b->offset = r->w.offset;
	if (!rc)
		return damage(b->offset, err,
			      "a block's first %zu bytes are cut after %zu", want,
			      window_left(&r->w));
	b->is_big = r->is_big;
	cur_init(&c, window_bytes(&r->w), want);
	if (want == 12) {
		b->is_big = get_u32be(window_bytes(&r->w) + 8) == ORDER_MAGIC;
		if (!b->is_big && get_u32le(window_bytes(&r->w) + 8) != ORDER_MAGIC)
			return damage(b->offset + 8, err,
				      "byte-order magic %08x is not 1a2b3c4d",
				      get_u32be(window_bytes(&r->w) + 8));
	}
	b->type = cur_u32(&c, b->is_big);
	b->length = cur_u32(&c, b->is_big);
	return 1;
}

/* 1: *b is the next block, whole, in the window, not yet passed; 0: the end. */
static int read_block(struct pcapng_reader *r, struct pcapng_block *b,
		      struct weir_error *err)
{
	uint32_t least, trailer;
	const uint8_t *end;
	int rc = read_start(r, b, err);

	if (rc <= 0)
		return rc;
	least = b->type == BLOCK_SECTION ? LEAST_SECTION : LEAST_BLOCK;
	if (b->length < least || b->length > WINDOW_MAX)
		return damage(b->offset, err, "block length %u is not between %u and %u",
			      b->length, least, WINDOW_MAX);
	if (b->length % 4)
		return damage(b->offset, err, "block length %u is not a multiple of 4",
			      b->length);
	rc = window_want(&r->w, b->length, err);
	if (rc < 0)
		return rc;
	if (!rc)
		return damage(b->offset, err, "a block of %u bytes is cut after %zu",
			      b->length, window_left(&r->w));
	b->body = window_bytes(&r->w) + 8;
	end = window_bytes(&r->w) + b->length - 4;
	trailer = b->is_big ? get_u32be(end) : get_u32le(end);
	if (trailer != b->length)
		return damage(b->offset + b->length - 4, err,
			      "length %u behind a block is not the %u before it", trailer,
			      b->length);
	return 1;
}

static int begin_section(struct pcapng_reader *r, const struct pcapng_block *b,
			 struct weir_error *err)
{
	uint16_t major, minor;
	struct cursor c;

	pcapng_body(b, &c);
	cur_skip(&c, 4);
	major = cur_u16(&c, b->is_big);
	minor = cur_u16(&c, b->is_big);
	if (major != 1 || (minor != 0 && minor != 2))
		return damage(b->offset + 12, err,
			      "version %u.%u of a section is not 1.0", major, minor);
	r->is_big = b->is_big;
	r->count = 0;
	r->sections++;
	return 0;
}

static int add_iface(struct pcapng_reader *r, const struct pcapng_block *b,
		     struct weir_error *err)
{
	struct iface_info info;
	struct section_iface *grown, i = { 0 };
	int rc = pcapng_iface_read(b, &info, &i.clock, err);

	if (rc)
		return rc;
	if (r->count == READER_IFACE_MAX)
		return damage(b->offset, err, "more than %d interfaces in a section",
			      READER_IFACE_MAX);
	rc = reader_add_iface(&r->base, &info, err);
	if (rc < 0)
		return rc;
	if (r->count == r->room) {
		grown = mem_grow(r->ifaces, r->room ? 2 * r->room : 4, sizeof *grown);
		if (!grown)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for an interface");
		r->ifaces = grown;
		r->room = r->room ? 2 * r->room : 4;
	}
	i.index = (unsigned)rc;
	i.snaplen = info.snaplen;
	i.linktype = info.linktype;
	r->ifaces[r->count++] = i;
	return 0;
}

/* Counts and their sums stay below what JSON can hold, whatever a file says. */
static uint64_t add_drops(uint64_t a, uint64_t b)
{
	return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static int take_option(const struct pcapng_block *b, const struct pcapng_option *o,
		       struct packet *p, struct weir_error *err)
{
	static const uint16_t lengths[] = {
		[OPT_FLAGS] = 4, [OPT_DROPS] = 8,   [OPT_ID] = 8,
		[OPT_QUEUE] = 4, [OPT_PROCESS] = 8,
	};
	uint16_t want = o->code < ARRAY_LEN(lengths) ? lengths[o->code] : 0;
	struct cursor c;

	if (want && pcapng_option_length(b, o, want, err))
		return WEIR_ERR_FORMAT;
	cur_init(&c, o->value, o->length);
	if (o->code == OPT_COMMENT && !p->comment) {
		p->comment = (const char *)o->value;
		p->comment_length = o->length;
	} else if (o->code == OPT_FLAGS) {
		p->flags = cur_u32(&c, b->is_big);
		p->has_flags = true;
	} else if (o->code == OPT_DROPS && b->type == BLOCK_PACKET) {
		p->drops = add_drops(0, cur_u64(&c, b->is_big));
	} else if (o->code == OPT_ID) {
		p->id = cur_u64(&c, b->is_big);
	} else if (o->code == OPT_QUEUE) {
		p->queue = cur_u32(&c, b->is_big);
		p->has_queue = true;
	} else if (o->code == OPT_PROCESS) {
		p->pid = cur_u32(&c, b->is_big);
		p->tid = cur_u32(&c, b->is_big);
		p->has_pid = true;
	} else if (o->code == RECORD_OPT_OWNER && o->length == 12 && !b->is_big) {
		/* Of the codes for local use: another's option of that code has another form. */
		p->owner.method = cur_u8(&c);
		p->owner.certainty = cur_u8(&c);
		cur_skip(&c, 2);
		p->owner.start_ns = cur_u64le(&c);
		p->has_owner = true;
	}
	return 0;
}

static int read_options(const struct pcapng_block *b, struct cursor *c, struct packet *p,
			struct weir_error *err)
{
	struct pcapng_option o;
	int rc;

	while ((rc = pcapng_option(c, b, &o, err)) > 0) {
		rc = take_option(b, &o, p, err);
		if (rc)
			return rc;
	}
	return rc;
}

static int find_iface(const struct pcapng_reader *r, const struct pcapng_block *b,
		      uint32_t id, struct packet *p, struct weir_error *err)
{
	if (id >= r->count)
		return damage(b->offset, err,
			      "a packet of interface %u, the section has %u so far", id,
			      r->count);
	p->iface = r->ifaces[id].index;
	p->linktype = r->ifaces[id].linktype;
	return 0;
}

/* The packet's bytes and their padding. */
static int take_data(const struct pcapng_block *b, struct cursor *c, struct packet *p,
		     struct weir_error *err)
{
	size_t left = cur_left(c);

	p->data = cur_bytes(c, p->caplen);
	cur_skip(c, (4 - (p->caplen & 3)) & 3);
	if (c->is_bad)
		return damage(
			b->offset, err,
			"captured length %u does not fit the %zu bytes of the block",
			p->caplen, left);
	return 0;
}

/* The Enhanced Packet Block, and the old one, which has less room for the interface. */
static int read_packet(const struct pcapng_reader *r, const struct pcapng_block *b,
		       struct packet *p, struct weir_error *err)
{
	struct cursor c;
	uint64_t ticks;
	uint32_t id;
	int rc;

	pcapng_body(b, &c);
	if (b->type == BLOCK_PACKET) {
		id = cur_u32(&c, b->is_big);
	} else {
		id = cur_u16(&c, b->is_big);
		p->drops = cur_u16(&c, b->is_big);
		if (p->drops == DROPS_UNKNOWN)
			p->drops = 0;
	}
	ticks = (uint64_t)cur_u32(&c, b->is_big) << 32;
	ticks |= cur_u32(&c, b->is_big);
	p->caplen = cur_u32(&c, b->is_big);
	p->len = cur_u32(&c, b->is_big);
	if (c.is_bad)
		return damage(b->offset, err, "packet block of %u bytes has less than 32",
			      b->length);
	rc = find_iface(r, b, id, p, err);
	if (!rc)
		rc = take_data(b, &c, p, err);
	if (!rc && pcapng_clock_ns(&r->ifaces[id].clock, ticks, &p->ns))
		return damage(b->offset + 12, err,
			      "time %llu (resolution %u, offset %lld s) is not between "
			      "1677 and 2262",
			      (unsigned long long)ticks, r->ifaces[id].clock.resolution,
			      (long long)r->ifaces[id].clock.offset_s);
	if (!rc)
		rc = read_options(b, &c, p, err);
	return rc ? rc : 1;
}

/* A packet without time (0 is delivered), of the section's first interface. */
static int read_simple(const struct pcapng_reader *r, const struct pcapng_block *b,
		       struct packet *p, struct weir_error *err)
{
	struct cursor c;
	int rc;

	pcapng_body(b, &c);
	p->len = cur_u32(&c, b->is_big);
	if (c.is_bad)
		return damage(b->offset, err,
			      "simple packet block of %u bytes has less than 16",
			      b->length);
	rc = find_iface(r, b, 0, p, err);
	if (rc)
		return rc;
	p->caplen = p->len;
	if (r->ifaces[0].snaplen && p->caplen > r->ifaces[0].snaplen)
		p->caplen = r->ifaces[0].snaplen;
	rc = take_data(b, &c, p, err);
	return rc ? rc : 1;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* An interface's counts are these now: both are of the same losses. */
static void count_lost(struct pcapng_reader *r, struct section_iface *i, uint64_t drops,
		       uint64_t packet_drops)
{
	uint64_t before = larger(i->drops, i->packet_drops);

	i->drops = drops;
	i->packet_drops = packet_drops;
	r->base.lost = add_drops(r->base.lost, larger(drops, packet_drops) - before);
}

/* What an interface has dropped since its beginning: the last such block of it counts.  Statistics
 * that make no sense are no reason to refuse the packets. */
static void take_statistics(struct pcapng_reader *r, const struct pcapng_block *b)
{
	struct pcapng_option o;
	uint64_t drops = 0;
	struct cursor c;
	uint32_t id;

	pcapng_body(b, &c);
	id = cur_u32(&c, b->is_big);
	cur_skip(&c, 8);
	if (c.is_bad || id >= r->count)
		return;
	while (pcapng_option(&c, b, &o, NULL) > 0) {
		struct cursor value;

		cur_init(&value, o.value, o.length);
		if ((o.code == OPT_IFACE_DROPS || o.code == OPT_SYSTEM_DROPS) &&
		    o.length == 8)
			drops = add_drops(drops, cur_u64(&value, b->is_big));
	}
	if (drops <= r->ifaces[id].drops)
		return;
	r->base.stated_drops =
		add_drops(r->base.stated_drops, drops - r->ifaces[id].drops);
	count_lost(r, &r->ifaces[id], drops, r->ifaces[id].packet_drops);
}

/* *b is the packet's block, which is known to be sound. */
static void take_packet_drops(struct pcapng_reader *r, const struct pcapng_block *b,
			      const struct packet *p)
{
	struct section_iface *i;
	struct cursor c;

	pcapng_body(b, &c);
	i = &r->ifaces[b->type == BLOCK_PACKET ? cur_u32(&c, b->is_big)
					       : cur_u16(&c, b->is_big)];
	count_lost(r, i, i->drops, add_drops(i->packet_drops, p->drops));
}

/* Wireshark's process blocks; other custom blocks, and what finds no memory, are passed over. */
static void take_custom(struct pcapng_reader *r, const struct pcapng_block *b)
{
	struct cursor c;

	pcapng_body(b, &c);
	if (!process_block_is(c.at, cur_left(&c)))
		return;
	if (!r->base.processes)
		r->base.processes = processes_new();
	if (r->base.processes)
		processes_add_block(r->base.processes, c.at, cur_left(&c));
}

/* 1: a packet; 0: something else, taken in or passed over. */
static int take_block(struct pcapng_reader *r, const struct pcapng_block *b,
		      struct packet *p, struct weir_error *err)
{
	switch (b->type) {
	case BLOCK_SECTION:
		return begin_section(r, b, err);
	case BLOCK_IFACE:
		return add_iface(r, b, err);
	case BLOCK_PACKET:
	case BLOCK_PACKET_OLD:
		return read_packet(r, b, p, err);
	case BLOCK_PACKET_SIMPLE:
		return read_simple(r, b, p, err);
	case BLOCK_STATISTICS:
		take_statistics(r, b);
		return 0;
	case PROCESS_BLOCK_TYPE:
		take_custom(r, b);
		return 0;
	default:
		return 0;
	}
}

/* The process block that explains the packet in *b, which it may stand behind.  The packet is read
 * again where the look has moved its bytes.  Faults are left to the next read. */
static int look_behind(struct pcapng_reader *r, struct pcapng_block *b, struct packet *p,
		       struct weir_error *err)
{
	struct pcapng_block next = { .is_big = r->is_big };
	const uint8_t *before = b->body;
	const uint8_t *behind;
	size_t want = (size_t)b->length + 8;

	if (want + PROCESS_BLOCK_MAX > WINDOW_MAX)
		return 1;
	if (window_want(&r->w, want, NULL) > 0) {
		behind = window_bytes(&r->w) + b->length;
		next.type = r->is_big ? get_u32be(behind) : get_u32le(behind);
		next.length = r->is_big ? get_u32be(behind + 4) : get_u32le(behind + 4);
	}
	if (next.type == PROCESS_BLOCK_TYPE && next.length >= LEAST_BLOCK &&
	    next.length <= PROCESS_BLOCK_MAX &&
	    window_want(&r->w, (size_t)b->length + next.length, NULL) > 0) {
		next.body = window_bytes(&r->w) + b->length + 8;
		take_custom(r, &next);
	}
	b->body = window_bytes(&r->w) + 8;
	if (b->body == before)
		return 1;
	memset(p, 0, sizeof *p);
	return read_packet(r, b, p, err);
}

static int pcapng_next(struct reader *base, struct packet *p, struct weir_error *err)
{
	struct pcapng_reader *r = (struct pcapng_reader *)base;
	struct pcapng_block b = { 0 };
	int rc, found;

	do {
		rc = read_block(r, &b, err);
		if (rc <= 0)
			return rc;
		found = take_block(r, &b, p, err);
		if (found > 0 && p->has_pid && !r->may_wait &&
		    !reader_process(&r->base, p))
			found = look_behind(r, &b, p, err);
		if (found < 0)
			return found;
		if (found && p->drops)
			take_packet_drops(r, &b, p);
		window_pass(&r->w, b.length);
	} while (!found);
	r->offset = b.offset;
	r->length = b.length;
	return 1;
}

static void pcapng_fini(struct reader *base)
{
	struct pcapng_reader *r = (struct pcapng_reader *)base;

	window_fini(&r->w);
	mem_free(r->ifaces);
}

static const struct reader_ops pcapng_ops = { .next = pcapng_next, .fini = pcapng_fini };

int pcapng_reader_new(struct reader **out, const char *name, struct window *w,
		      struct weir_error *err)
{
	struct pcapng_reader *r = reader_new(sizeof *r, &pcapng_ops, name, err);
	struct stat st;

	if (!r) {
		window_fini(w);
		return WEIR_ERR_NO_MEMORY;
	}
	r->w = *w;
	r->may_wait =
		w->source.fd >= 0 && (fstat(w->source.fd, &st) || !S_ISREG(st.st_mode));
	*out = &r->base;
	return 0;
}

uint64_t pcapng_reader_offset(const struct reader *r)
{
	return ((const struct pcapng_reader *)r)->offset;
}

uint32_t pcapng_reader_length(const struct reader *r)
{
	return ((const struct pcapng_reader *)r)->length;
}

uint64_t pcapng_reader_whole(const struct reader *r)
{
	return ((const struct pcapng_reader *)r)->w.offset;
}

unsigned pcapng_reader_sections(const struct reader *r)
{
	return ((const struct pcapng_reader *)r)->sections;
}

unsigned pcapng_reader_ids(const struct reader *r)
{
	return ((const struct pcapng_reader *)r)->count;
}

const struct iface_info *pcapng_reader_by_id(const struct reader *r, unsigned id)
{
	return reader_iface(r, ((const struct pcapng_reader *)r)->ifaces[id].index);
}

int pcapng_reader_parse(struct reader *base, const uint8_t *block, size_t length,
			uint64_t offset, struct packet *p, struct weir_error *err)
{
	const struct pcapng_reader *r = (const struct pcapng_reader *)base;
	struct pcapng_block b = { .offset = offset, .is_big = r->is_big };
	struct cursor c;

	memset(p, 0, sizeof *p);
	cur_init(&c, block, length);
	b.type = cur_u32(&c, b.is_big);
	b.length = cur_u32(&c, b.is_big);
	b.body = c.at;
	if (b.length != length || length < LEAST_BLOCK)
		return damage(offset, err, "a block of %zu bytes has %u now", length,
			      b.length);
	if (b.type == BLOCK_PACKET || b.type == BLOCK_PACKET_OLD)
		return read_packet(r, &b, p, err);
	if (b.type == BLOCK_PACKET_SIMPLE)
		return read_simple(r, &b, p, err);
	return damage(offset, err, "a packet's block has type %u now", b.type);
}
