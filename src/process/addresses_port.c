/* This machine's addresses, as its port tells them. */
#include "port/ip_tables.h"
#include "process/addresses.h"

#include <string.h>

static void add(void *arg, const uint8_t *address, size_t length)
{
	addresses_add(arg, address, length);
}

int addresses_read(struct addresses *a, struct weir_error *err)
{
	/* Lists are compared byte by byte: nothing of an older one may stay behind it. */
	memset(a, 0, sizeof *a);
	return port_addresses(add, a, err);
}
