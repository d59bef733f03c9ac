#include "capture/link_event.h"

#include "capture/iface_info.h"

json_t *link_describe(const struct net_link *l)
{
	char mac[MAC_TEXT];
	json_t *j = json_pack("{s:s, s:i, s:i}", "name", l->name, "index", (int)l->index,
			      "mtu", (int)l->mtu);

	if (j && l->has_mac) {
		mac_format(l->mac, mac);
		(void)json_object_set_new(j, "mac", json_string(mac));
	}
	return j;
}

static void tell_change(struct store *store, unsigned changes, const struct net_link *now,
			const struct net_link *before)
{
	char mac[MAC_TEXT];
	json_t *j = link_describe(now);

	if (!j)
		return;
	if (changes & LINK_RENAMED)
		(void)json_object_set_new(j, "name_before", json_string(before->name));
	if (changes & LINK_MTU)
		(void)json_object_set_new(j, "mtu_before", json_integer(before->mtu));
	if (changes & LINK_MAC && before->has_mac) {
		mac_format(before->mac, mac);
		(void)json_object_set_new(j, "mac_before", json_string(mac));
	}
	store_event(store, "interface_changed", j);
}

void link_tell(struct store *store, unsigned changes, const struct net_link *now,
	       const struct net_link *before)
{
	static const struct {
		unsigned change;
		const char *type;
	} kinds[] = {
		{ LINK_ADDED, "interface_added" },
		{ LINK_UP, "interface_up" },
		{ LINK_DOWN, "interface_down" },
		{ LINK_REMOVED, "interface_removed" },
	};

	const unsigned told = LINK_RENAMED | LINK_MAC | LINK_MTU;

	if (!store)
		return;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (changes & kinds[i].change)
			store_event(store, kinds[i].type, link_describe(now));
	if (changes & told)
		tell_change(store, changes & told, now, before);
}
