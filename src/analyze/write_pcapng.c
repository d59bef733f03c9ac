/* pcapng: one section; an interface block before the first packet that may need it; records as the
 * store writes them, with what the source knew and nothing that it did not.
 *
 * No interface is given a snap length: libpcap gives up at the first interface whose snap length is
 * not that of the file's first one, and a source may describe further ones behind packets that are
 * written already.  The interface's own is kept in words, in a comment.  Raw interfaces behind the first have the number that libpcap wants
 * there (store/iface.h).  A file without any interface gets one, for mergecap, that says that there
 * was none.  Interface statistics are not repeated: they are counters of the
 * recording, and would be untrue of a part of it; the comment of the section says what was lost. */
#include "analyze/recent.h"
#include "analyze/writer.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/time.h"
#include "store/pcapng.h"
#include "store/process_block.h"
#include "store/record.h"
#include "weir_version.h"

enum {
	OPT_COMMENT = 1,
	EPB_PROCESS = 8,
	BLOCK_TAIL = 8 /* end of options, total length */
};

#define COMMENT_MAX         65535
#define OPTION_ROOM(length) (4 + (length) + 3)

/* Puts an option behind the others of a whole block; returns the block's new length. */
static size_t append_option(uint8_t *block, size_t length, uint16_t code,
			    const void *value, size_t n)
{
	uint8_t *p = block + length - BLOCK_TAIL;

	p = put_u16le(put_u16le(p, code), (uint16_t)n);
	memcpy(p, value, n);
	p += n;
	for (; n & 3; n++)
		*p++ = 0;
	p = put_u32le(p, 0);
	length = (size_t)(p + 4 - block);
	(void)put_u32le(p, (uint32_t)length);
	(void)put_u32le(block + 4, (uint32_t)length);
	return length;
}

static void put_section(struct writer *w)
{
	struct pcapng_section section = { .application = "weir " WEIR_VERSION };
	size_t sources = w->parents ? merge_source_count(w->merge) : 0;
	size_t room = PCAPNG_SECTION_MAX, length;
	uint8_t *block;

	for (size_t i = 0; i < sources; i++)
		room += OPTION_ROOM(strlen(w->parents[i]));
	if (w->note)
		room += OPTION_ROOM(strlen(w->note));
	block = sink_room(w->out, room);
	length = pcapng_put_section(block, &section);
	for (size_t i = 0; i < sources; i++)
		length = append_option(block, length, OPT_COMMENT, w->parents[i],
				       strlen(w->parents[i]));
	if (w->note)
		length = append_option(block, length, OPT_COMMENT, w->note,
				       strlen(w->note));
	sink_took(w->out, length);
}

static void put_interface(struct writer *w, unsigned index)
{
	struct iface_info info = *merge_iface(w->merge, index);
	uint8_t *block = sink_room(w->out, PCAPNG_INTERFACE_MAX + OPTION_ROOM(64));
	uint32_t own = info.snaplen;
	size_t length;
	char text[64];

	info.snaplen = 0;
	if (index && info.linktype == LINKTYPE_RAW)
		info.linktype = LINKTYPE_RAW_LIBPCAP;
	length = pcapng_put_interface(block, &info);
	if (own) {
		int n = snprintf(text, sizeof text, "snap length when recorded: %u", own);

		length = append_option(block, length, OPT_COMMENT, text, (size_t)n);
	}
	sink_took(w->out, length);
}

static void put_placeholder(struct writer *w)
{
	static const char text[] = "the sources describe no interface";
	struct iface_info info = { .linktype = LINKTYPE_ETHERNET };
	uint8_t *block = sink_room(w->out, PCAPNG_INTERFACE_MAX + OPTION_ROOM(64));
	size_t length = pcapng_put_interface(block, &info);

	sink_took(w->out, append_option(block, length, OPT_COMMENT, text, strlen(text)));
}

static void put_interfaces(struct writer *w)
{
	for (; w->iface_count < merge_iface_count(w->merge); w->iface_count++)
		put_interface(w, w->iface_count);
}

static int begin(struct writer *w, struct weir_error *err UNUSED)
{
	put_section(w);
	put_interfaces(w);
	return 0;
}

/* The owner as a record states it; has_owner false where the packet's two options do not go
 * together as they do in ours: then each is written as it was found. */
static void take_owner(struct record_meta *meta, const struct packet *p)
{
	meta->has_owner =
		p->has_owner && p->has_pid == (p->owner.certainty != OWNER_UNKNOWN);
	meta->owner = (struct record_owner){ .pid = p->pid,
					     .tid = p->tid,
					     .start_ns = p->owner.start_ns,
					     .method = p->owner.method,
					     .certainty = p->owner.certainty };
}

static size_t append_owner(uint8_t *record, size_t length, const struct packet *p)
{
	uint8_t value[12];

	if (p->has_pid) {
		(void)put_u32le(put_u32le(value, p->pid), p->tid);
		length = append_option(record, length, EPB_PROCESS, value, 8);
	}
	if (p->has_owner) {
		(void)put_u32le(value,
				(uint32_t)(p->owner.method | p->owner.certainty << 8));
		(void)put_u64le(value + 4, p->owner.start_ns);
		length = append_option(record, length, RECORD_OPT_OWNER, value, 12);
	}
	return length;
}

static size_t append_rare(const struct writer *w, uint8_t *record, size_t length,
			  const struct packet *p, bool has_owner)
{
	if (!has_owner)
		length = append_owner(record, length, p);
	if (p->comment)
		length = append_option(record, length, OPT_COMMENT, p->comment,
				       p->comment_length);
	if (w->annotation.length)
		length = append_option(record, length, OPT_COMMENT, w->annotation.text,
				       w->annotation.length);
	return length;
}

/* The process's block, once, behind the first packet that it explains. */
static void describe_process(struct writer *w, const struct packet *p)
{
	const struct process_fact *f = merge_process(w->merge, p);
	struct writer_process key;

	if (!f)
		return;
	memset(&key, 0, sizeof key);
	key.start_ns = f->start_ns;
	key.started_ns = f->started_ns;
	key.at_ns = f->at_ns;
	key.pid = f->pid;
	key.output = w->number;
	key.source = (uint32_t)merge_iface_source(w->merge, p->iface);
	if (recent_find(w->described, &key))
		return;
	(void)recent_add(w->described, &key);
	sink_took(w->out, process_block_put(sink_room(w->out, PROCESS_BLOCK_MAX), f));
}

static size_t room_for(const struct writer *w, const struct packet *p)
{
	return record_room(p->caplen) + (p->comment ? OPTION_ROOM(COMMENT_MAX) : 0) +
	       OPTION_ROOM(w->annotation.length) + OPTION_ROOM(8) + OPTION_ROOM(12);
}

static void put_record(struct writer *w, const struct packet *p)
{
	struct record_meta meta = { .ns = p->ns,
				    .iface_id = p->iface,
				    .caplen = p->caplen,
				    .len = p->len,
				    .flags = p->flags,
				    .lacks_flags = !p->has_flags,
				    .id = p->id,
				    .drops = p->drops,
				    .queue = p->queue,
				    .has_queue = p->has_queue };
	uint8_t *record = sink_room(w->out, room_for(w, p));
	size_t length;

	take_owner(&meta, p);
	memcpy(record + RECORD_DATA, p->data, p->caplen);
	length = record_finish(record, &meta);
	if (UNLIKELY(p->has_pid || p->has_owner || p->comment || w->annotation.length))
		length = append_rare(w, record, length, p, meta.has_owner);
	sink_took(w->out, length);
}

/* Times are counted from 1970 without sign (if_tsoffset could move that; our records have none). */
static int refuse_time(const struct writer *w, const struct packet *p,
		       struct weir_error *err)
{
	char text[TIME_TEXT];

	time_format(p->ns, text);
	return err_set(err, WEIR_ERR_FORMAT,
		       "cannot write '%s': a pcapng file holds times from 1970 on, "
		       "found %s",
		       w->name, text);
}

static int put_packet(struct writer *w, const struct packet *p, struct weir_error *err)
{
	uint16_t linktype = merge_iface(w->merge, p->iface)->linktype;

	if (UNLIKELY(p->iface >= w->iface_count))
		put_interfaces(w);
	w->is_mixed |= w->has_linktype && linktype != w->linktype;
	w->linktype = linktype;
	w->has_linktype = true;
	if (UNLIKELY(p->ns < 0))
		return refuse_time(w, p, err);
	put_record(w, p);
	if (UNLIKELY(p->has_pid && w->described))
		describe_process(w, p);
	return 0;
}

static int end(struct writer *w, struct weir_error *err UNUSED)
{
	put_interfaces(w);
	if (!w->iface_count)
		put_placeholder(w);
	return 0;
}

const struct writer_ops writer_pcapng = { .name = "pcapng",
					  .suffix = ".pcapng",
					  .is_binary = true,
					  .begin = begin,
					  .packet = put_packet,
					  .end = end };
