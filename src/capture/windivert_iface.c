#include "capture/windivert_parts.h"
#include "port/adapters.h"

/* Where the store has no room for more, their packets go to this one. */
#define OTHER_INDEX UINT32_MAX

static void describe_place(struct iface_info *info, const struct wd_place *p)
{
	size_t used = strlen(info->description);

	if (p->sub_index)
		(void)snprintf(info->description + used, sizeof info->description - used,
			       "%ssub-interface %u", used ? "; " : "", p->sub_index);
	used = strlen(info->description);
	if (p->is_impostor)
		(void)snprintf(
			info->description + used, sizeof info->description - used,
			"%simpostors: sent by another driver or program of WinDivert",
			used ? "; " : "");
	if (p->is_loopback)
		(void)snprintf(info->hardware, sizeof info->hardware, "%s",
			       IFACE_LOOPBACK);
}

static void read_adapter(struct iface_info *info, uint32_t index)
{
	struct adapter a;

	info->index = index;
	(void)snprintf(info->name, sizeof info->name, "if%u", index);
	if (!index || !adapter_find(&a, index, NULL))
		return;
	(void)snprintf(info->name, sizeof info->name, "%s", a.name);
	(void)snprintf(info->description, sizeof info->description, "%s", a.description);
	memcpy(info->mac, a.mac, sizeof info->mac);
	info->has_mac = a.has_mac;
	info->mtu = a.mtu;
	info->speed_bps = a.speed_bps;
	for (unsigned i = 0; i < a.address_count && i < IFACE_ADDRS; i++) {
		struct iface_addr *to = &info->addrs[info->addr_count++];

		to->family = a.addresses[i].family;
		to->prefix = a.addresses[i].prefix;
		memcpy(to->bytes, a.addresses[i].bytes, sizeof to->bytes);
	}
}

static struct iface *add_iface(struct source *s, const struct wd_place *p)
{
	struct iface_info info = { .linktype = LINKTYPE_RAW,
				   .snaplen = s->context->config->snaplen };

	if (p->index == OTHER_INDEX)
		(void)snprintf(info.name, sizeof info.name, "other");
	else
		read_adapter(&info, p->index);
	describe_place(&info, p);
	return iface_add(s->context->ifaces, &info, &s->iface_error);
}

static bool is_same(const struct wd_place *a, const struct wd_place *b)
{
	return a->index == b->index && a->sub_index == b->sub_index &&
	       a->is_loopback == b->is_loopback && a->is_impostor == b->is_impostor;
}

/* Its slot, or the free one where it belongs.  There is always one: the table is twice as large as
 * what may be added. */
static struct wd_place *find_slot(struct source *s, const struct wd_place *p)
{
	unsigned i =
		(p->index * 5 + p->sub_index * 3 + p->is_loopback * 2U + p->is_impostor) %
		WD_CACHE;

	while (s->places[i].iface && !is_same(&s->places[i], p))
		i = (i + 1) % WD_CACHE;
	return &s->places[i];
}

struct iface *wd_iface(struct source *s, const struct windivert_address *a)
{
	struct wd_place p = { .index = a->if_idx,
			      .sub_index = a->sub_if_idx,
			      .is_loopback = a->is_loopback,
			      .is_impostor = a->is_impostor };
	struct wd_place *slot = find_slot(s, &p);

	if (LIKELY(slot->iface))
		return slot->iface;
	if (iface_count(s->context->ifaces) >= IFACE_MAX - 1) {
		p = (struct wd_place){ .index = OTHER_INDEX };
		slot = find_slot(s, &p);
		if (slot->iface)
			return slot->iface;
	}
	p.iface = add_iface(s, &p);
	if (p.iface)
		*slot = p;
	return p.iface;
}
