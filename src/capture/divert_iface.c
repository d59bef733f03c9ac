/* The inline source's interfaces: the record's interface for the kernel's number, and what becomes of
 * either while packets come. */
#include "capture/divert_turn.h"

#include "capture/iface_info.h"
#include "capture/link_event.h"

#include <net/if.h> /* before the kernel's, which then leave out what both define */

#include <linux/if_arp.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Where the store has no room for more interfaces, their packets go to this one. */
#define OTHER_INDEX UINT32_MAX

static struct iface *add_iface(struct source *s, uint32_t index)
{
	struct iface_info info;

	if (index == OTHER_INDEX) {
		memset(&info, 0, sizeof info);
		(void)snprintf(info.name, sizeof info.name, "other");
		(void)snprintf(info.description, sizeof info.description,
			       "all interfaces beyond the first %u", s->cached);
	} else {
		(void)iface_info_read(&info, index, ARPHRD_ETHER);
	}
	/* The packets begin with their IP header. */
	info.linktype = LINKTYPE_RAW;
	info.snaplen = s->context->config->snaplen;
	return iface_add(s->context->ifaces, &info, &s->iface_error);
}

/* The slot of an index, or the free one where it belongs.  There is always one: the table is
 * twice as large as what may be added. */
static struct divert_cached *find_slot(struct source *s, uint32_t index)
{
	unsigned i = index % DIVERT_CACHE;

	while (s->cache[i].iface && s->cache[i].index != index)
		i = (i + 1) % DIVERT_CACHE;
	return &s->cache[i];
}

/* One of its own: the packet goes round, and is seen only as it is sent. */
static bool is_loopback(const struct iface *iface)
{
	struct ifreq q = { .ifr_flags = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_it;

	if (fd < 0)
		return false;
	(void)snprintf(q.ifr_name, sizeof q.ifr_name, "%.*s", IFNAMSIZ - 1,
		       iface->info.name);
	is_it = !ioctl(fd, SIOCGIFFLAGS, &q) && q.ifr_flags & IFF_LOOPBACK;
	(void)close(fd);
	return is_it;
}

struct divert_cached *divert_place(struct source *s, uint32_t index)
{
	struct divert_cached *slot = find_slot(s, index);

	if (UNLIKELY(!slot->iface) && index != OTHER_INDEX &&
	    iface_count(s->context->ifaces) >= IFACE_MAX - 1) {
		index = OTHER_INDEX;
		slot = find_slot(s, index);
	}
	if (LIKELY(slot->iface))
		return slot;
	slot->iface = add_iface(s, index);
	if (!slot->iface)
		return NULL;
	slot->index = index;
	slot->is_loopback = is_loopback(slot->iface);
	s->cached++;
	return slot;
}

static struct iface *find_named(const struct source *s, const char *name)
{
	for (unsigned i = 0; i < iface_count(s->context->ifaces); i++) {
		struct iface *iface = iface_at(s->context->ifaces, i);

		if (!iface->is_unclaimed && iface->info.linktype == LINKTYPE_RAW &&
		    !strcmp(iface->info.name, name))
			return iface;
	}
	return NULL;
}

/* A number means another name from now on, which may be one that was seen before. */
static void learn_again(struct source *s, struct divert_cached *slot, const char *name)
{
	struct iface *iface = find_named(s, name);
	const struct divert_cached *other = NULL;

	if (!iface && iface_count(s->context->ifaces) >= IFACE_MAX - 1)
		other = divert_place(s, OTHER_INDEX);
	else if (!iface)
		iface = add_iface(s, slot->index);
	if (other)
		iface = other->iface;
	if (!iface)
		return;
	slot->iface = iface;
	slot->is_loopback = is_loopback(iface);
}

bool divert_is_chosen(const struct source *s, const char *name)
{
	const struct nft_rules *r = &s->rules;

	for (unsigned i = 0; i < r->interface_count; i++)
		if (!strcmp(r->interfaces[i], name))
			return true;
	return false;
}

static bool has_index(const struct source *s, uint32_t index)
{
	for (unsigned i = 0; i < NFT_INTERFACES; i++)
		if (s->rules.indexes[i] == index)
			return true;
	return false;
}

static bool is_ours(const struct source *s, const struct net_link *l)
{
	return !s->rules.interface_count || divert_is_chosen(s, l->name) ||
	       has_index(s, l->index);
}

/* Room for one more: of an interface that is gone, where there is no other. */
static uint32_t *find_room(struct source *s)
{
	const struct link_table *t = link_watch_table(s->links);
	uint32_t *index = s->rules.indexes;

	for (unsigned i = 0; i < NFT_INTERFACES; i++)
		if (!index[i])
			return &index[i];
	for (unsigned i = 0; i < NFT_INTERFACES; i++)
		if (!link_table_at(t, index[i]))
			return &index[i];
	return NULL;
}

/* From now on it is taken under whatever name it has. */
static void follow_index(struct source *s, uint32_t index)
{
	struct divert_shared *m = s->shared;
	uint32_t *room = find_room(s);

	if (!room)
		return;
	*room = index;
	for (unsigned i = 0; i < NFT_INTERFACES; i++)
		atomic_store_explicit(&m->indexes[i], s->rules.indexes[i],
				      memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&m->index_changes, 1, memory_order_release);
	if (s->wake_fd < 0)
		divert_rules_follow(s);
	else
		(void)!send(s->wake_fd, "w", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool is_in_place(const struct source *s, uint32_t index)
{
	const struct divert_shared *m = s->shared;

	return has_index(s, index) &&
	       atomic_load_explicit(&m->changes_done, memory_order_acquire) ==
		       atomic_load_explicit(&m->index_changes, memory_order_relaxed);
}

/* The rules take a chosen name, and the numbers of those that have had it.  One that lost its name before its
 * number was among them has not been taken since, and nobody has counted what passed. */
static void follow(struct source *s, unsigned changes, const struct net_link *now,
		   const struct net_link *before)
{
	bool had_name = changes & LINK_RENAMED && divert_is_chosen(s, before->name);

	if (!(changes & (LINK_ADDED | LINK_RENAMED)))
		return;
	if (had_name && !divert_is_chosen(s, now->name) && !is_in_place(s, now->index)) {
		s->context->is_incomplete = true;
		store_event(s->context->store, "interface_missed", link_describe(now));
	}
	if ((had_name || divert_is_chosen(s, now->name)) && !has_index(s, now->index))
		follow_index(s, now->index);
}

static void on_change(void *arg, unsigned changes, const struct net_link *now,
		      const struct net_link *before)
{
	struct source *s = arg;
	struct divert_cached *slot = find_slot(s, now->index);

	if (is_ours(s, now) || (before->index && is_ours(s, before)))
		link_tell(s->context->store, changes, now, before);
	follow(s, changes, now, before);
	/* What the queue holds of one that is gone had its name. */
	if (slot->iface && changes & (LINK_ADDED | LINK_RENAMED))
		learn_again(s, slot, now->name);
}

int divert_follow(struct source *s, struct weir_error *err)
{
	return link_watch_read(s->links, on_change, s, err);
}
