/* A DNS message: names are bounded, printable and ended, whatever its pointers do. */
#include "packet/dns.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_message m;

	if (!dns_read(&m, data, size))
		return 0;
	assert(m.name_length < DNS_NAME_TEXT && strlen(m.name) == m.name_length);
	for (size_t i = 0; i < m.name_length; i++)
		assert(m.name[i] > 0x20 && m.name[i] < 0x7f);
	assert(m.address_count <= DNS_ADDRESS_MAX);
	assert(m.is_response || !m.address_count);
	return 0;
}
