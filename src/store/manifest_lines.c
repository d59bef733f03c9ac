#include "store/manifest_lines.h"

#include "store/json_lines.h"
#include "store/names.h"

#include <arpa/inet.h>

bool line_is(const json_t *line, const char *type)
{
	const char *found = json_get_text(line, "type");

	return found && !strcmp(found, type);
}

bool line_layout(const json_t *start, enum store_layout *layout)
{
	static const char *const names[] = { "segments", "files", "pairs" };
	const char *text = json_get_text(start, "layout");

	for (unsigned i = 0; text && i < ARRAY_LEN(names); i++) {
		if (!strcmp(text, names[i])) {
			*layout = (enum store_layout)i;
			return true;
		}
	}
	return false;
}

static bool get_limited(const json_t *line, const char *name, uint64_t most,
			uint64_t *value)
{
	return json_get_u64(line, name, value) && *value <= most;
}

static void copy_text(char *to, size_t room, const json_t *line, const char *name)
{
	const char *text = json_get_text(line, name);
	size_t n = text ? strnlen(text, room - 1) : 0;

	if (n)
		memcpy(to, text, n);
}

bool line_segment_open(const json_t *line, struct store_segment *s)
{
	const char *name = json_get_text(line, "name");
	uint64_t number, lane, linktype;

	memset(s, 0, sizeof *s);
	if (!name || !get_limited(line, "number", UINT32_MAX, &number) ||
	    !get_limited(line, "lane", LANE_MAX - 1, &lane) ||
	    !get_limited(line, "linktype", UINT16_MAX, &linktype))
		return false;
	if (!number || name_number(name) != number || strlen(name) >= sizeof s->name)
		return false;
	copy_text(s->name, sizeof s->name, line, "name");
	s->number = (uint32_t)number;
	s->lane = (unsigned)lane;
	s->linktype = (uint16_t)linktype;
	return true;
}

bool line_segment(const json_t *line, struct store_segment *s)
{
	const char *sha256 = json_get_text(line, "sha256");
	const json_t *sorted = json_object_get(line, "sorted");
	uint64_t ifaces;

	if (!line_segment_open(line, s) || !sha256 ||
	    strlen(sha256) != sizeof s->sha256 - 1 || !json_is_boolean(sorted))
		return false;
	copy_text(s->sha256, sizeof s->sha256, line, "sha256");
	s->is_sorted = json_is_true(sorted);
	s->is_torn = json_is_true(json_object_get(line, "torn"));
	if (!get_limited(line, "interfaces", IFACE_MAX, &ifaces))
		return false;
	s->iface_count = (unsigned)ifaces;
	return json_get_u64(line, "packets", &s->packets) &&
	       json_get_u64(line, "bytes", &s->bytes) &&
	       json_get_u64(line, "wire_bytes", &s->wire_bytes) &&
	       json_get_u64(line, "file_bytes", &s->file_bytes) &&
	       json_get_i64(line, "first_ns", &s->first_ns) &&
	       json_get_i64(line, "last_ns", &s->last_ns);
}

static void read_mac(const json_t *line, struct iface_info *info)
{
	const char *text = json_get_text(line, "mac");
	unsigned m[6];

	if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3],
			    &m[4], &m[5]) != 6)
		return;
	for (unsigned i = 0; i < 6; i++)
		info->mac[i] = (uint8_t)m[i];
	info->has_mac = true;
}

/* "192.0.2.1/24", "2001:db8::1/64" */
static bool read_address(const char *text, struct iface_addr *a)
{
	char address[64];
	const char *slash = text ? strchr(text, '/') : NULL;

	if (!slash || (size_t)(slash - text) >= sizeof address)
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	a->family = strchr(address, ':') ? 6 : 4;
	a->prefix = (uint8_t)strtoul(slash + 1, NULL, 10);
	return inet_pton(a->family == 4 ? AF_INET : AF_INET6, address, a->bytes) == 1;
}

static void read_addresses(const json_t *line, struct iface_info *info)
{
	json_t *one;
	size_t at;

	json_array_foreach(json_object_get(line, "addresses"), at, one)
	{
		struct iface_addr a = { 0 };

		if (info->addr_count < IFACE_ADDRS &&
		    read_address(json_string_value(one), &a))
			info->addrs[info->addr_count++] = a;
	}
}

bool line_interface(const json_t *line, struct iface_info *info, unsigned *lane,
		    unsigned *id)
{
	uint64_t lane_number, id_number, linktype, snaplen, index, mtu;

	memset(info, 0, sizeof *info);
	if (!get_limited(line, "lane", LANE_MAX - 1, &lane_number) ||
	    !get_limited(line, "id", IFACE_MAX - 1, &id_number) ||
	    !get_limited(line, "linktype", UINT16_MAX, &linktype) ||
	    !get_limited(line, "snaplen", UINT32_MAX, &snaplen))
		return false;
	*lane = (unsigned)lane_number;
	*id = (unsigned)id_number;
	info->linktype = (uint16_t)linktype;
	info->snaplen = (uint32_t)snaplen;
	copy_text(info->name, sizeof info->name, line, "name");
	copy_text(info->description, sizeof info->description, line, "description");
	copy_text(info->filter, sizeof info->filter, line, "filter");
	copy_text(info->hardware, sizeof info->hardware, line, "hardware");
	copy_text(info->os, sizeof info->os, line, "os");
	if (get_limited(line, "index", UINT32_MAX, &index))
		info->index = (uint32_t)index;
	if (get_limited(line, "mtu", UINT32_MAX, &mtu))
		info->mtu = (uint32_t)mtu;
	if (!json_get_u64(line, "speed_bps", &info->speed_bps))
		info->speed_bps = 0;
	read_mac(line, info);
	read_addresses(line, info);
	return true;
}

void line_losses(const json_t *line, struct loss_totals *losses)
{
	const json_t *all = json_object_get(line, "losses");

	memset(losses, 0, sizeof *losses);
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		const json_t *one = json_object_get(all, loss_name((enum loss)i));

		if (!json_get_u64(one, "packets", &losses->packets[i]) ||
		    !json_get_u64(one, "bytes", &losses->bytes[i]))
			continue;
	}
}
