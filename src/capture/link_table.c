#include "base/cursor.h"
#include "capture/link_watch.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static void read_attribute(struct net_link *l, uint16_t type, const uint8_t *bytes,
			   size_t n)
{
	if (type == IFLA_IFNAME && n) {
		size_t length = strnlen((const char *)bytes, n);

		if (length >= LINK_NAME)
			length = LINK_NAME - 1;
		memcpy(l->name, bytes, length);
		l->name[length] = '\0';
	} else if (type == IFLA_MTU && n == 4) {
		l->mtu = get_u32le(bytes);
	} else if (type == IFLA_ADDRESS && n == sizeof l->mac) {
		memcpy(l->mac, bytes, n);
		l->has_mac = true;
	} else if (type == IFLA_STATS64 && n >= 16) {
		/* struct rtnl_link_stats64 begins with rx_packets, tx_packets. */
		l->packets = get_u64le(bytes) + get_u64le(bytes + 8);
	}
}

/* A bridge tells of its ports in link messages of its own family: one that leaves the bridge is
 * "deleted" there and still an interface. */
static bool is_of_links(struct cursor c)
{
	return cur_left(&c) < 1 || *c.at == AF_UNSPEC;
}

static bool parse_link(struct cursor c, bool is_gone, struct net_link *l)
{
	*l = (struct net_link){ .is_gone = is_gone };
	cur_skip(&c, 2);
	l->hatype = cur_u16le(&c);
	l->index = cur_u32le(&c);
	l->flags = cur_u32le(&c);
	cur_skip(&c, 4);
	/* Fewer than a header's bytes at the end are padding. */
	while (!c.is_bad && cur_left(&c) >= sizeof(struct rtattr)) {
		uint16_t length = cur_u16le(&c), type = cur_u16le(&c);
		size_t n = length - sizeof(struct rtattr);
		const uint8_t *bytes;

		if (length < sizeof(struct rtattr))
			return false;
		bytes = cur_bytes(&c, n);
		if (!bytes)
			return false;
		read_attribute(l,
			       (uint16_t)(type & ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER)),
			       bytes, n);
		n = RTA_ALIGN(n) - n;
		cur_skip(&c, n < cur_left(&c) ? n : cur_left(&c));
	}
	/* Index 0 is no interface. */
	return !c.is_bad && l->index;
}

int link_parse(const uint8_t *bytes, size_t length, link_visit *visit, void *arg,
	       bool *is_done, struct weir_error *err)
{
	struct cursor c, body;
	struct net_link l;

	cur_init(&c, bytes, length);
	while (cur_left(&c) >= sizeof(struct nlmsghdr)) {
		uint32_t size = cur_u32le(&c);
		uint16_t type = cur_u16le(&c);
		size_t n = size - sizeof(struct nlmsghdr);

		cur_skip(&c, sizeof(struct nlmsghdr) - 6);
		if (size < sizeof(struct nlmsghdr) || n > cur_left(&c))
			return err_set(
				err, WEIR_ERR_FORMAT,
				"cannot read a link message: its length is %u, %zu "
				"bytes are left",
				(unsigned)size, cur_left(&c) + sizeof(struct nlmsghdr));
		cur_init(&body, c.at, n);
		cur_skip(&c, n);
		n = NLMSG_ALIGN(n) - n;
		cur_skip(&c, n < cur_left(&c) ? n : cur_left(&c));
		*is_done |= type == NLMSG_DONE || type == NLMSG_ERROR;
		if ((type != RTM_NEWLINK && type != RTM_DELLINK) || !is_of_links(body))
			continue;
		if (!parse_link(body, type == RTM_DELLINK, &l))
			return err_set(err, WEIR_ERR_FORMAT,
				       "cannot read a link message of %u bytes: an "
				       "attribute is longer than what is left",
				       (unsigned)size);
		visit(arg, &l);
	}
	return 0;
}

static struct net_link *find_index(struct link_table *t, uint32_t index)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->links[i].index == index)
			return &t->links[i];
	return NULL;
}

const struct net_link *link_table_at(const struct link_table *t, uint32_t index)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->links[i].index == index)
			return &t->links[i];
	return NULL;
}

const struct net_link *link_table_find(const struct link_table *t, const char *name)
{
	for (unsigned i = 0; i < t->count; i++)
		if (!strcmp(t->links[i].name, name))
			return &t->links[i];
	return NULL;
}

static unsigned compare(const struct net_link *now, const struct net_link *before)
{
	unsigned changes = 0;

	if ((now->flags ^ before->flags) & IFF_UP)
		changes |= now->flags & IFF_UP ? LINK_UP : LINK_DOWN;
	if (strcmp(now->name, before->name) != 0)
		changes |= LINK_RENAMED;
	if (now->mtu != before->mtu)
		changes |= LINK_MTU;
	if (now->has_mac != before->has_mac ||
	    memcmp(now->mac, before->mac, sizeof now->mac) != 0)
		changes |= LINK_MAC;
	return changes;
}

static unsigned add(struct link_table *t, const struct net_link *now,
		    struct net_link *before)
{
	*before = (struct net_link){ 0 };
	if (now->is_gone || t->count == LINK_COUNT)
		return 0;
	t->seen[t->count] = 1;
	t->links[t->count++] = *now;
	return LINK_ADDED | (now->flags & IFF_UP ? LINK_UP : 0);
}

/* Some messages (those of wireless events) say less than all. */
static void keep_untold(struct net_link *now, const struct net_link *before)
{
	if (!now->name[0])
		memcpy(now->name, before->name, sizeof now->name);
	if (!now->mtu)
		now->mtu = before->mtu;
	if (!now->packets)
		now->packets = before->packets;
	if (!now->has_mac) {
		now->has_mac = before->has_mac;
		memcpy(now->mac, before->mac, sizeof now->mac);
	}
}

unsigned link_table_update(struct link_table *t, const struct net_link *now,
			   struct net_link *before)
{
	struct net_link *here = find_index(t, now->index);
	size_t at;

	if (!here)
		return add(t, now, before);
	at = (size_t)(here - t->links);
	*before = *here;
	if (now->is_gone) {
		t->count--;
		t->links[at] = t->links[t->count];
		t->seen[at] = t->seen[t->count];
		return LINK_REMOVED;
	}
	*here = *now;
	keep_untold(here, before);
	t->seen[at] = 1;
	return compare(here, before);
}
