/* The netlink reader and what stands on it: messages, nested attributes, NFQUEUE packets, events of the
 * process connector. */
#include "capture/nfqueue.h"
#include "port/netlink.h"
#include "process/connector.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned walk(struct cursor c, unsigned depth)
{
	unsigned count = 0;
	struct nl_attr a;
	char text[16];

	while (nl_next_attr(&c, &a)) {
		nl_attr_text(&a, text, sizeof text);
		count += 1 + (depth ? walk(a.body, depth - 1) : 0);
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connector_event e;
	struct nfq_packet p;
	struct nl_message m;
	struct cursor c;

	cur_init(&c, data, size);
	while (nl_next_message(&c, &m)) {
		unsigned sum = 0;

		(void)nl_message_errno(&m);
		(void)walk(m.body, 3);
		if (connector_parse(&m, &e) &&
		    (!e.pid || e.kind < PROCESS_FORK || e.kind > PROCESS_EXIT))
			abort();
		cur_skip(&m.body, 4);
		(void)walk(m.body, 3);
		if (!nfq_packet_parse(&m, &p))
			continue;
		/* What it lends can be read, whole. */
		for (uint32_t i = 0; i < p.caplen; i++)
			sum += p.payload[i];
		if (p.len < p.caplen || sum > 255u * p.caplen)
			abort();
	}
	return 0;
}
