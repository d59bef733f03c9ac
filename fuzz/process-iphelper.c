/* Tables of Windows' IP Helper and address records of WinDivert: whatever they hold, nothing outside of
 * them is read, and what comes out is of a process and within its bounds. */
#include "process/divert_event.h"
#include "process/iphelper.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *arg, const struct iphelper_row *row)
{
	unsigned *count = arg;

	assert(row->seed.pid && row->seed.key.local_port && row->made_filetime >= 0);
	assert(row->seed.key.family == 4 || row->seed.key.family == 6);
	++*count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct windivert_address a;
	struct socket_event e;

	for (unsigned table = 0; table < IP_TABLES; table++) {
		unsigned count = 0;
		int rc = iphelper_rows((enum ip_table)table, data, size, look, &count);

		assert(rc == WEIR_ERR_FORMAT || rc == (int)count);
		assert(count <= size / 12);
	}
	if (!windivert_address_read(&a, data, size) &&
	    divert_event_take(&e, &a, 10000000))
		assert(e.kind >= SOCKET_BIND && e.kind <= SOCKET_FLOW_END);
	return 0;
}
