/* This machine's addresses, as Linux's rtnetlink tells them. */
#include "port/netlink.h"
#include "process/addresses.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void add(struct addresses *a, uint8_t family, const struct nl_attr *attr)
{
	struct cursor c = attr->body;
	size_t length = family == AF_INET ? 4 : 16;
	const uint8_t *bytes = cur_bytes(&c, length);

	if (bytes)
		addresses_add(a, bytes, length);
}

/* struct ifaddrmsg: family, prefix length, flags, scope, index. */
void addresses_take(struct addresses *a, const struct nl_message *m)
{
	struct cursor c = m->body;
	uint8_t family = cur_u8(&c);
	struct nl_attr attr;

	cur_skip(&c, 7);
	if (m->type != RTM_NEWADDR || c.is_bad ||
	    (family != AF_INET && family != AF_INET6))
		return;
	/* On a link between two, IFA_ADDRESS is the other end. */
	while (nl_next_attr(&c, &attr))
		if (attr.type == IFA_LOCAL ||
		    (attr.type == IFA_ADDRESS && family == AF_INET6))
			add(a, family, &attr);
}

static void visit(void *arg, const struct nl_message *m)
{
	addresses_take(arg, m);
}

int addresses_read(struct addresses *a, struct weir_error *err)
{
	uint8_t bytes[64];
	const uint8_t any[8] = { AF_UNSPEC };
	struct nl_builder b;
	int fd, rc = nl_open(NETLINK_ROUTE, &fd, err);

	if (rc)
		return rc;
	a->count = 0;
	a->is_cut = false;
	nl_build(&b, bytes, sizeof bytes, 1);
	nl_begin(&b, RTM_GETADDR, NLM_F_DUMP);
	nl_raw(&b, any, sizeof any);
	nl_end(&b);
	rc = nl_transact(fd, &b, NULL, NULL, visit, a);
	(void)close(fd);
	return rc ? err_set(err, WEIR_ERR_SYSTEM, "cannot read this machine's addresses")
		  : 0;
}
