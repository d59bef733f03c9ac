/* Any bytes as a pcap file. */
#include "store/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_error err;
	struct reader *r;
	struct packet p;
	volatile uint8_t seen = 0;

	/* pcapng has a target of its own. */
	if (size < 4 || pcapng_is_magic(data))
		return 0;
	if (reader_open_source(&r, "fuzz", byte_source_memory(data, size), &err))
		return 0;
	while (reader_next(r, &p, &err) > 0)
		for (uint32_t i = 0; i < p.caplen; i++)
			seen ^= p.data[i];
	(void)seen;
	reader_free(r);
	return 0;
}
