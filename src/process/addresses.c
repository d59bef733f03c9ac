#include "process/addresses.h"

#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

void addresses_add(struct addresses *a, const uint8_t *bytes, size_t length)
{
	uint8_t address[16];

	memcpy(address, mapped, sizeof mapped);
	memcpy(address + 16 - length, bytes, length);
	if (a->count == ADDRESSES_MOST)
		a->is_cut = true;
	else
		memcpy(a->list[a->count++], address, sizeof address);
}

static bool is_everybody(const uint8_t address[16])
{
	static const uint8_t one[16] = { [15] = 1 };
	bool is_ipv4 = !memcmp(address, mapped, sizeof mapped);

	if (!is_ipv4)
		return address[0] == 0xff || !memcmp(address, one, sizeof one);
	/* 127/8; 224/4 and 255.255.255.255. */
	return address[12] == 127 || address[12] >= 224;
}

bool addresses_have(const struct addresses *a, const uint8_t address[16])
{
	if (a->is_cut || is_everybody(address))
		return true;
	for (unsigned i = 0; i < a->count; i++)
		if (!memcmp(a->list[i], address, 16))
			return true;
	return false;
}
