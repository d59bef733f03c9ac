/* pcap with nanoseconds (draft-ietf-opsawg-pcap: magic 0xA1B23C4D): one link type, no interfaces, no
 * directions.  Seconds are 32 bits without sign: 1970 to 2106. */
#include "analyze/writer.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/time.h"
#include "store/iface.h"

enum {
	FILE_HEADER = 24,
	RECORD_HEADER = 16,
	SNAPLEN = 262144 /* what libpcap calls its largest; nothing is cut by it */
};

static const char *iface_name(const struct writer *w, unsigned index)
{
	const char *name = merge_iface(w->merge, index)->name;

	return *name ? name : "an interface without name";
}

static void put_header(struct writer *w)
{
	uint8_t *p = sink_room(w->out, FILE_HEADER);

	p = put_u32le(p, 0xA1B23C4D);
	p = put_u16le(put_u16le(p, 2), 4);
	p = put_u32le(put_u32le(p, 0), 0);
	(void)put_u32le(put_u32le(p, SNAPLEN), w->linktype);
	sink_took(w->out, FILE_HEADER);
}

static int begin(struct writer *w, struct weir_error *err UNUSED)
{
	(void)w;
	return 0;
}

/* The first packet decides; what it is need not be what the first interface is. */
static int check_linktype(struct writer *w, const struct packet *p,
			  struct weir_error *err)
{
	uint16_t linktype = merge_iface(w->merge, p->iface)->linktype;

	if (!w->has_linktype) {
		w->has_linktype = true;
		w->linktype = linktype;
		w->first_iface = p->iface;
		put_header(w);
	}
	if (linktype == w->linktype)
		return 0;
	return err_set(
		err, WEIR_ERR_FORMAT,
		"cannot write '%s': a pcap file holds one link type, and '%s' has %u, "
		"'%s' has %u; choose one with --filter, or take pcapng",
		w->name, iface_name(w, w->first_iface), w->linktype,
		iface_name(w, p->iface), linktype);
}

static int put_packet(struct writer *w, const struct packet *p, struct weir_error *err)
{
	int rc = check_linktype(w, p, err);
	uint8_t *record, *at;

	if (rc)
		return rc;
	if (UNLIKELY(p->ns < 0 || p->ns / NS_PER_S > UINT32_MAX)) {
		char text[TIME_TEXT];

		time_format(p->ns, text);
		return err_set(
			err, WEIR_ERR_FORMAT,
			"cannot write '%s': a pcap file holds times of 1970 to 2106, "
			"found %s",
			w->name, text);
	}
	record = sink_room(w->out, RECORD_HEADER + (size_t)p->caplen);
	at = put_u32le(record, (uint32_t)(p->ns / NS_PER_S));
	at = put_u32le(at, (uint32_t)(p->ns % NS_PER_S));
	at = put_u32le(put_u32le(at, p->caplen), p->len);
	memcpy(at, p->data, p->caplen);
	sink_took(w->out, RECORD_HEADER + (size_t)p->caplen);
	return 0;
}

static int end(struct writer *w, struct weir_error *err UNUSED)
{
	if (w->has_linktype)
		return 0;
	w->linktype = merge_iface_count(w->merge) ? merge_iface(w->merge, 0)->linktype
						  : LINKTYPE_ETHERNET;
	put_header(w);
	return 0;
}

const struct writer_ops writer_pcap = { .name = "pcap",
					.suffix = ".pcap",
					.is_binary = true,
					.begin = begin,
					.packet = put_packet,
					.end = end };
