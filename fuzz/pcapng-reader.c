/* Any bytes as a pcapng file; each packet is parsed again from its place and must be the same. */
#include "store/pcapng_reader.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_error err;
	struct reader *r;
	struct packet p, again;
	volatile uint8_t seen = 0;

	if (size < 4 || !pcapng_is_magic(data))
		return 0;
	if (reader_open_source(&r, "fuzz", byte_source_memory(data, size), &err))
		return 0;
	while (reader_next(r, &p, &err) > 0) {
		uint64_t at = pcapng_reader_offset(r);

		for (uint32_t i = 0; i < p.caplen; i++)
			seen ^= p.data[i];
		for (uint32_t i = 0; i < p.comment_length; i++)
			seen ^= (uint8_t)p.comment[i];
		assert(reader_iface(r, p.iface)->linktype == p.linktype);
		assert(at + pcapng_reader_length(r) <= size);
		assert(pcapng_reader_parse(r, data + at, pcapng_reader_length(r), at,
					   &again, &err) == 1);
		assert(again.ns == p.ns && again.caplen == p.caplen && again.id == p.id);
	}
	assert(pcapng_reader_whole(r) <= size);
	(void)seen;
	reader_free(r);
	return 0;
}
