/* The form pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then records of 16 bytes and data.
 *
 * Read as well: both byte orders; times in us or ns; the "modified" records of some old Linux
 * tools (8 bytes more: interface, protocol, kind); files of versions before 2.4, which swapped the
 * lengths; link types that were written as the writing system's own DLT numbers. */
#include "base/cursor.h"
#include "base/mem.h"
#include "base/time.h"
#include "store/form.h"

enum {
	FILE_HEADER = 24,
	RECORD_HEADER = 16,
	MODIFIED_HEADER = 24,
	/* What a record may hold where the file says less (or nothing): the largest snap length that
	 * other tools use. */
	RECORD_LEAST_BOUND = 262144,
};

#define MAGIC_US       UINT32_C(0xa1b2c3d4)
#define MAGIC_NS       UINT32_C(0xa1b23c4d)
#define MAGIC_MODIFIED UINT32_C(0xa1b2cd34)

struct pcap_reader {
	struct reader base;
	struct window w;
	bool is_big;
	uint32_t ns_per_unit;
	size_t header; /* bytes of a record's */
	uint16_t minor;
	uint16_t linktype;
	uint32_t bound; /* of a captured length */
};

static bool is_magic(uint32_t v)
{
	return v == MAGIC_US || v == MAGIC_NS || v == MAGIC_MODIFIED;
}

bool pcap_is_magic(const uint8_t first[4])
{
	return is_magic(get_u32le(first)) || is_magic(get_u32be(first));
}

/* The numbers below 100 that systems used for their own: raw IP was 12, on OpenBSD 14; ATM 11. */
static uint16_t linktype_of(uint32_t network)
{
	uint16_t type =
		(uint16_t)network; /* above it: the length of the checksum, if any */

	if (type == 12 || type == 14)
		return LINKTYPE_RAW;
	return type == 11 ? 100 : type;
}

/* The file header; its 24 bytes are there. */
static int read_header(struct pcap_reader *r, struct iface_info *info,
		       struct weir_error *err)
{
	struct cursor c;
	uint32_t magic;
	uint16_t major;

	cur_init(&c, window_bytes(&r->w), FILE_HEADER);
	r->is_big = !is_magic(cur_u32le(&c));
	cur_init(&c, window_bytes(&r->w), FILE_HEADER);
	magic = cur_u32(&c, r->is_big);
	r->ns_per_unit = magic == MAGIC_NS ? 1 : 1000;
	r->header = magic == MAGIC_MODIFIED ? MODIFIED_HEADER : RECORD_HEADER;
	major = cur_u16(&c, r->is_big);
	r->minor = cur_u16(&c, r->is_big);
	if (major != 2 || r->minor > 4)
		return err_set(err, WEIR_ERR_FORMAT,
			       "at offset 4: version %u.%u is not between 2.0 and 2.4",
			       major, r->minor);
	cur_skip(&c, 8); /* zone and accuracy: nobody ever wrote anything but 0 */
	info->snaplen = cur_u32(&c, r->is_big);
	r->linktype = info->linktype = linktype_of(cur_u32(&c, r->is_big));
	r->bound =
		info->snaplen > RECORD_LEAST_BOUND ? info->snaplen : RECORD_LEAST_BOUND;
	if (r->bound > WINDOW_MAX - MODIFIED_HEADER)
		r->bound = WINDOW_MAX - MODIFIED_HEADER;
	return 0;
}

static int cut(const struct pcap_reader *r, const char *what, size_t bytes,
	       struct weir_error *err)
{
	return err_set(err, WEIR_ERR_FORMAT,
		       "at offset %llu: %s of %zu bytes is cut after %zu",
		       (unsigned long long)r->w.offset, what, bytes, window_left(&r->w));
}

/* Both lengths, as the file's version ordered them. */
static void read_lengths(struct pcap_reader *r, struct cursor *c, struct packet *p)
{
	uint32_t first = cur_u32(c, r->is_big), second = cur_u32(c, r->is_big);
	bool is_swapped = r->minor < 3 || (r->minor == 3 && first > second);

	p->caplen = is_swapped ? second : first;
	p->len = is_swapped ? first : second;
}

static int pcap_next(struct reader *base, struct packet *p, struct weir_error *err)
{
	struct pcap_reader *r = (struct pcap_reader *)base;
	struct cursor c;
	int rc = window_want(&r->w, r->header, err);

	if (rc < 0 || (!rc && !window_left(&r->w)))
		return rc;
	if (!rc)
		return cut(r, "a record header", r->header, err);
	cur_init(&c, window_bytes(&r->w), r->header);
	p->ns = (int64_t)cur_u32(&c, r->is_big) * NS_PER_S;
	p->ns += (int64_t)cur_u32(&c, r->is_big) * r->ns_per_unit;
	read_lengths(r, &c, p);
	if (p->caplen > r->bound)
		return err_set(err, WEIR_ERR_FORMAT,
			       "at offset %llu: captured length %u is more than %u",
			       (unsigned long long)r->w.offset, p->caplen, r->bound);
	rc = window_want(&r->w, r->header + p->caplen, err);
	if (rc < 0)
		return rc;
	if (!rc)
		return cut(r, "a record", r->header + p->caplen, err);
	p->data = window_bytes(&r->w) + r->header;
	p->linktype = r->linktype;
	window_pass(&r->w, r->header + p->caplen);
	return 1;
}

static void pcap_fini(struct reader *base)
{
	window_fini(&((struct pcap_reader *)base)->w);
}

static const struct reader_ops pcap_ops = { .next = pcap_next, .fini = pcap_fini };

int pcap_reader_new(struct reader **out, const char *name, struct window *w,
		    struct weir_error *err)
{
	struct iface_info info = { 0 };
	struct pcap_reader *r = reader_new(sizeof *r, &pcap_ops, name, err);
	int rc;

	if (!r) {
		window_fini(w);
		return WEIR_ERR_NO_MEMORY;
	}
	r->w = *w;
	rc = window_want(&r->w, FILE_HEADER, err);
	if (!rc)
		rc = cut(r, "a file header", FILE_HEADER, err);
	if (rc > 0)
		rc = read_header(r, &info, err);
	if (!rc)
		rc = reader_add_iface(&r->base, &info, err);
	if (rc < 0) {
		reader_free(&r->base);
		return rc;
	}
	window_pass(&r->w, FILE_HEADER);
	*out = &r->base;
	return 0;
}
