#include "process/iphelper.h"

#include "base/cursor.h"
#include "packet/headers.h"

/* Where things are in a row; NONE: it has none. */
#define NONE 0xff

struct layout {
	uint8_t protocol, family;
	uint8_t first, size; /* of the first row, of each */
	uint8_t state, local, local_port, remote, remote_port, pid, made;
};

/* clang-format off: one row a line */
static const struct layout layouts[IP_TABLES] = {
	/* state, local address, port, remote address, port, pid, created, module info of 16 times 8 */
	[IP_TABLE_TCP_MODULE] = { PROTOCOL_TCP, 4, 8, 160, 0, 4, 8, 12, 16, 20, 24 },
	/* local address 16, scope, port, remote address 16, scope, port, state, pid, created, ... */
	[IP_TABLE_TCP6_MODULE] = { PROTOCOL_TCP, 6, 8, 192, 48, 0, 20, 24, 44, 52, 56 },
	/* local address, port, pid, created (to 8), flags, ... */
	[IP_TABLE_UDP_MODULE] = { PROTOCOL_UDP, 4, 8, 160, NONE, 0, 4, NONE, NONE, 8,
				  16 },
	/* local address 16, scope, port, pid, created (to 8), flags, ... */
	[IP_TABLE_UDP6_MODULE] = { PROTOCOL_UDP, 6, 8, 176, NONE, 0, 20, NONE, NONE, 24,
				   32 },
	[IP_TABLE_TCP_PID] = { PROTOCOL_TCP, 4, 4, 24, 0, 4, 8, 12, 16, 20, NONE },
	[IP_TABLE_TCP6_PID] = { PROTOCOL_TCP, 6, 4, 56, 48, 0, 20, 24, 44, 52, NONE },
	[IP_TABLE_UDP_PID] = { PROTOCOL_UDP, 4, 4, 12, NONE, 0, 4, NONE, NONE, 8, NONE },
	[IP_TABLE_UDP6_PID] = { PROTOCOL_UDP, 6, 4, 28, NONE, 0, 20, NONE, NONE, 24,
				NONE },
};

/* clang-format on */

/* MIB_TCP_STATE. */
enum {
	STATE_CLOSED = 1,
	STATE_LISTEN = 2,
	STATE_LAST = 12 /* DELETE_TCB */
};

static bool is_any(const uint8_t *address, size_t length)
{
	static const uint8_t zeros[16];

	return !memcmp(address, zeros, length);
}

/* As keys have it: IPv4 mapped, any address zeros. */
static void put_address(uint8_t out[16], uint8_t family, const uint8_t *bytes)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	memset(out, 0, 16);
	if (family == 6) {
		memcpy(out, bytes, 16);
	} else if (!is_any(bytes, 4)) {
		memcpy(out, prefix, sizeof prefix);
		memcpy(out + 12, bytes, 4);
	}
}

static bool is_mapped(const uint8_t address[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, prefix, sizeof prefix);
}

/* False: of no use. */
static bool read_row(struct iphelper_row *out, const struct layout *l,
		     const uint8_t *bytes)
{
	uint32_t state = l->state == NONE ? 0 : get_u32le(bytes + l->state);
	struct socket_key *key = &out->seed.key;

	memset(out, 0, sizeof *out);
	out->seed.pid = get_u32le(bytes + l->pid);
	out->seed.method = OWNER_IPHELPER;
	key->protocol = l->protocol;
	key->family = l->family;
	put_address(key->local, l->family, bytes + l->local);
	key->local_port = get_u16be(bytes + l->local_port);
	if (l->remote != NONE && state != STATE_LISTEN) {
		put_address(key->remote, l->family, bytes + l->remote);
		key->remote_port = get_u16be(bytes + l->remote_port);
	}
	/* An IPv4 connection of an IPv6 socket. */
	if (is_mapped(key->local) || is_mapped(key->remote))
		key->family = 4;
	if (l->made != NONE)
		out->made_filetime = (int64_t)get_u64le(bytes + l->made);
	if (out->made_filetime < 0)
		out->made_filetime = 0;
	if (l->state != NONE && (state <= STATE_CLOSED || state > STATE_LAST))
		return false;
	return out->seed.pid && key->local_port;
}

int64_t iphelper_time_ns(int64_t filetime)
{
	const int64_t epoch = INT64_C(116444736000000000);

	return filetime > epoch && filetime - epoch < INT64_MAX / 100
		       ? (filetime - epoch) * 100
		       : 0;
}

int iphelper_rows(enum ip_table table, const void *bytes, size_t length,
		  iphelper_visit visit, void *arg)
{
	const struct layout *l = &layouts[table];
	struct iphelper_row row;
	struct cursor c;
	uint32_t count;
	int visited = 0;

	cur_init(&c, bytes, length);
	count = cur_u32le(&c);
	cur_skip(&c, l->first - 4U);
	for (uint32_t i = 0; i < count && !c.is_bad; i++) {
		const uint8_t *at = cur_bytes(&c, l->size);

		if (at && read_row(&row, l, at)) {
			visit(arg, &row);
			visited++;
		}
	}
	return c.is_bad ? WEIR_ERR_FORMAT : visited;
}
