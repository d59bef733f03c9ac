#include "capture/sniff_ports.h"

#include "capture/iface_info.h"
#include "capture/link_event.h"
#include "capture/sniff_filter.h"

#include <linux/if.h>

/* Entries of the interface table that are kept for the time when it is nearly full: from then on
 * new interfaces share one entry a link type. */
#define IFACE_SPARE LANE_MAX
#define SHARED_NAME "(others)"

void sniff_event(struct source *s, const char *type, json_t *members)
{
	if (s->context->store)
		store_event(s->context->store, type, members);
	else
		json_decref(members);
}

static struct iface *find_iface(const struct iface_table *t,
				const struct iface_info *info, bool is_known)
{
	for (unsigned i = iface_count(t); i-- > 0;) {
		struct iface *f = iface_at(t, i);

		if (f->info.linktype != info->linktype)
			continue;
		if (!strcmp(f->info.name, info->name) ||
		    (!is_known && f->info.index == info->index))
			return f;
	}
	return NULL;
}

static const struct net_link *find_announced(const struct source *s, uint32_t index)
{
	const struct net_link *l = link_table_at(link_watch_table(s->links), index);

	for (unsigned i = 1; !l && i <= SNIFF_GONE; i++) {
		const struct net_link *gone = &s->gone[(s->gone_count - i) % SNIFF_GONE];

		if (gone->index == index)
			l = gone;
	}
	return l;
}

/* One that is gone before its first packet was looked at can no longer be asked, but it was announced. */
static bool recall(struct source *s, struct iface_info *info)
{
	const struct net_link *l;
	struct weir_error err;

	s->has_changes = true;
	if (sniff_ports_follow(s, &err))
		return false;
	l = find_announced(s, info->index);
	if (!l || !l->name[0])
		return false;
	(void)snprintf(info->name, sizeof info->name, "%s", l->name);
	info->mtu = l->mtu;
	info->has_mac = l->has_mac && info->linktype == LINKTYPE_ETHERNET;
	memcpy(info->mac, l->mac, sizeof info->mac);
	return true;
}

/* An interface that came back, or was told of before, keeps its entry. */
static struct iface *learn_iface(struct source *s, uint32_t index, uint16_t hatype,
				 struct weir_error *err)
{
	struct iface_table *t = s->context->ifaces;
	struct iface_info info;
	bool is_known = iface_info_read(&info, index, hatype) || recall(s, &info);
	struct iface *f;

	info.snaplen = s->context->config->snaplen;
	f = find_iface(t, &info, is_known);
	if (!f && iface_count(t) >= IFACE_MAX - IFACE_SPARE) {
		info = (struct iface_info){
			.name = SHARED_NAME,
			.description = "interfaces that the table had no room for",
			.linktype = info.linktype,
			.snaplen = info.snaplen
		};
		f = find_iface(t, &info, true);
	}
	return f ? f : iface_add(t, &info, err);
}

const struct sniff_slot *sniff_slot_learn(struct source *s, uint32_t index,
					  uint16_t hatype, struct weir_error *err)
{
	struct sniff_slot *slot = &s->slots[index & (SNIFF_SLOTS - 1)];
	uint16_t linktype;

	slot->iface = learn_iface(s, index, hatype, err);
	slot->index = index;
	slot->hatype = hatype;
	slot->form = frame_form(hatype, &linktype);
	return slot->iface ? slot : NULL;
}

static void forget(struct source *s, uint32_t index)
{
	struct sniff_slot *slot = &s->slots[index & (SNIFF_SLOTS - 1)];

	if (slot->index == index)
		slot->iface = NULL;
}

static int no_such_interface(const char *name, const struct link_table *t,
			     struct weir_error *err)
{
	char list[256] = "";
	size_t used = 0;

	for (unsigned i = 0; i < t->count && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
					 i ? ", " : "", t->links[i].name);
	return err_set(err, WEIR_ERR_ABSENT,
		       "there is no interface '%s' (there are: %s%s)", name, list,
		       used < sizeof list ? "" : " ...");
}

static struct sniff_port *find_port(struct source *s, const char *name)
{
	for (unsigned i = 0; i < s->port_count; i++)
		if (s->ports[i].name && !strcmp(s->ports[i].name, name))
			return &s->ports[i];
	return NULL;
}

/* The one whose ring hears an interface; it may have another name by now. */
static struct sniff_port *find_bound(struct source *s, uint32_t index)
{
	for (unsigned i = 0; i < s->port_count; i++)
		if (s->ports[i].name && s->ports[i].index == index)
			return &s->ports[i];
	return NULL;
}

int sniff_ports_choose(struct source *s, struct weir_error *err)
{
	const char *const *name = s->context->config->interfaces;
	const struct link_table *t = link_watch_table(s->links);

	if (!name || !*name) {
		s->ports[s->port_count++] = (struct sniff_port){ .name = NULL };
		return 0;
	}
	for (; *name; name++) {
		const struct net_link *l = link_table_find(t, *name);

		if (!l)
			return no_such_interface(*name, t, err);
		if (find_port(s, *name))
			continue;
		if (s->port_count == SNIFF_PORTS)
			return err_set(
				err, WEIR_ERR_LIMIT,
				"more than %d interfaces are named: leave '-i' out to "
				"record all",
				SNIFF_PORTS);
		s->ports[s->port_count++] =
			(struct sniff_port){ .name = *name, .index = l->index };
	}
	return 0;
}

static bool is_ours(struct source *s, const struct net_link *l)
{
	return !s->ports[0].name || find_port(s, l->name) || find_bound(s, l->index);
}

int sniff_ports_describe(struct source *s, struct weir_error *err)
{
	const struct link_table *t = link_watch_table(s->links);

	for (unsigned i = 0; i < t->count; i++) {
		const struct net_link *l = &t->links[i];
		bool is_named = s->ports[0].name;
		const struct sniff_slot *slot;
		struct sniff_port *port;

		if (!is_ours(s, l) || (!is_named && !(l->flags & IFF_UP)))
			continue;
		/* The others are learned when a packet comes. */
		if (iface_count(s->context->ifaces) >= IFACE_MAX / 2)
			break;
		slot = sniff_slot(s, l->index, l->hatype, err);
		if (!slot)
			return err->code;
		port = find_port(s, l->name);
		if (port)
			port->iface = slot->iface;
	}
	return 0;
}

/* An interface got the name of another one that was asked for.  Its ring goes on with it under that name:
 * a second one bound to it would record every packet twice. */
static void exchange_names(struct sniff_port *a, struct sniff_port *b)
{
	const char *name = a->name;
	int64_t gone_ns = a->gone_ns;

	a->name = b->name;
	b->name = name;
	a->gone_ns = b->gone_ns;
	b->gone_ns = gone_ns;
}

/* The filter in the kernel looks for the headers where the first interface of the name had them. */
static int fit_filter(struct sniff_port *port, const struct net_link *now,
		      struct weir_error *err)
{
	uint16_t linktype;
	enum frame_form form = frame_form(now->hatype, &linktype);
	int rc;

	if (form == port->form || !port->is_filter_in_kernel)
		return 0;
	rc = sniff_filter_widen(port->ring, UINT32_MAX, err);
	/* It stays wide, whatever comes next. */
	if (!rc)
		port->is_filter_in_kernel = false;
	return rc;
}

/* What an interface has passed since it has the name, and before it was heard, is not recorded.  The
 * interface counts it, not in all in the way of a ring (a packet that the driver drops), so it is an estimate. */
static void note_missed(struct source *s, const struct sniff_port *port, uint64_t before,
			uint64_t packets)
{
	if (packets <= before)
		return;
	packets -= before;
	loss_add(s->context->losses, LOSS_UNBOUND, packets, 0);
	sniff_event(s, "gap",
		    json_pack("{s:s, s:s, s:I, s:i, s:b, s:s, s:I, s:I}", "reason",
			      loss_name(LOSS_UNBOUND), "interface", port->name, "packets",
			      (json_int_t)packets, "bytes", 0, "is_estimated", true,
			      "why", "it was made anew, and not listened to yet",
			      "from_ns", (json_int_t)port->gone_ns, "to_ns",
			      (json_int_t)port_realtime_ns()));
}

/* A named interface that is there again has another number; is_new: it was not there under another name. */
static void rebind(struct source *s, struct sniff_port *port, bool is_new,
		   const struct net_link *now)
{
	/* Of an answer with all interfaces the figure is not of when it came. */
	uint64_t before = is_new && link_watch_is_listing(s->links) ? 0 : now->packets;
	struct sniff_port *bound = find_bound(s, now->index);
	uint64_t packets;
	struct weir_error err;

	if (bound) {
		exchange_names(port, bound);
		return;
	}
	/* It heard another one until now. */
	if (port->index)
		port->gone_ns = port->counted_ns;
	/* Gone again meanwhile: then it is told of by the next message. */
	if (fit_filter(port, now, &err) ||
	    packet_ring_bind(port->ring, now->index, &err)) {
		/* Each of its messages comes here: the first one's figure is that of when it came. */
		if (port->unheard_index != now->index)
			port->unheard_before = before;
		port->unheard_index = now->index;
		return;
	}
	port->index = now->index;
	if (!link_watch_packets(s->links, now->index, &packets, &err))
		note_missed(s, port, before, packets);
	sniff_event(s, "interface_reopened", link_describe(now));
}

static void on_change(void *arg, unsigned changes, const struct net_link *now,
		      const struct net_link *before)
{
	struct source *s = arg;
	struct sniff_port *port = find_port(s, now->name);
	struct sniff_port *bound = find_bound(s, now->index);

	if (changes & (LINK_ADDED | LINK_REMOVED | LINK_RENAMED))
		forget(s, now->index);
	if (changes & LINK_REMOVED)
		s->gone[s->gone_count++ % SNIFF_GONE] = *now;
	if (is_ours(s, now) || (before->index && is_ours(s, before)))
		link_tell(s->context->store, changes, now, before);
	/* By its number: what it is called now need not be what was asked for. */
	if (changes & LINK_REMOVED && bound) {
		bound->index = 0;
		bound->gone_ns = port_realtime_ns();
	} else if (changes & LINK_REMOVED) {
		if (port && port->unheard_index == now->index)
			note_missed(s, port, port->unheard_before, now->packets);
	} else if (port) {
		rebind(s, port, changes & LINK_ADDED, now);
	}
}

int sniff_ports_follow(struct source *s, struct weir_error *err)
{
	if (!s->has_changes)
		return 0;
	s->has_changes = false;
	return link_watch_read(s->links, on_change, s, err);
}
