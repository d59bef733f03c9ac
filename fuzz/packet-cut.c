/* Where packets of a batch end (capture/packet_cut.h): the first byte is the number of addresses.
 * Every byte is in one piece, every address in at most one, and none is longer than what is left. */
#include "capture/packet_cut.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_piece p;
	struct packet_cut c;
	const uint8_t *at = data + 1;
	unsigned pieces = 0, addresses = 0;

	if (size < 2 || size > UINT32_MAX)
		return 0;
	packet_cut_init(&c, data + 1, (uint32_t)(size - 1), data[0]);
	while (packet_cut_next(&c, &p)) {
		if (p.bytes != at || !p.length || p.length > data + size - at ||
		    p.index != addresses)
			abort();
		at += p.length;
		addresses += p.count;
		pieces++;
	}
	if (at != data + size || addresses > data[0] || (data[0] && pieces > data[0]) ||
	    (data[0] && pieces + c.uncut != data[0]))
		abort();
	return 0;
}
