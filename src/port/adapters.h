/* What Windows says of its network adapters.  Windows only.
 *
 * Calling sequence: adapters_find() for one number; a list is asked for anew each time, which takes
 * some milliseconds: cold paths only.
 * Any thread; nothing is kept. */
#ifndef WEIR_PORT_ADAPTERS_H
#define WEIR_PORT_ADAPTERS_H

#include "port/port.h"

#define ADAPTER_ADDRESSES 8

struct adapter {
	uint32_t index;
	char name[64];         /* as people see it: "Ethernet 2" */
	char description[128]; /* "Intel(R) ..." */
	uint8_t mac[6];
	bool has_mac, is_loopback, is_up;
	uint32_t mtu;
	uint64_t speed_bps; /* 0: unknown */

	struct adapter_address {
		uint8_t family; /* 4 or 6 */
		uint8_t prefix; /* bits */
		uint8_t bytes[16];
	} addresses[ADAPTER_ADDRESSES];

	unsigned address_count;
};

/* By number, or (index 0) by name, letters of either case.  False: there is none. */
bool adapter_find(struct adapter *a, uint32_t index, const char *name);

#endif
