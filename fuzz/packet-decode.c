/* Headers of a packet from anywhere: two bytes of link type, two of length on the wire, then the
 * packet.  Whatever comes in, what is read lies within the packet and becomes printable text. */
#include "base/bytes.h"
#include "packet/text.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t length, size_t room)
{
	assert(length < room && text[length] == '\0');
	for (size_t i = 0; i < length; i++)
		assert(text[i] >= 0x20 && text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct headers h;
	char text[ADDRESS_TEXT];
	size_t caplen = size - 4;

	if (size < 4)
		return 0;
	headers_decode(&h, get_u16le(data), data + 4, caplen, get_u16le(data + 2));
	assert(h.link.network_off <= caplen);
	assert(!h.has_ports || h.transport_off + 4 <= caplen);
	assert(!h.has_tcp || h.transport_off + 16 <= caplen);
	assert(!h.ip_version || h.link.network_off + 20 <= caplen);
	check_text(text, address_text(h.ip_version, h.src, text), ADDRESS_TEXT);
	check_text(text, tcp_flags_text(h.tcp_flags, text), FLAGS_TEXT);
	check_text(text, protocol_text(&h, text), PROTOCOL_TEXT);
	check_text(text, icmp_text(&h, text), ICMP_TEXT);
	return 0;
}
