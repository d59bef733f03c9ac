#include "process/divert_event.h"

#include "base/time.h"
#include "packet/headers.h"
#include "store/record.h"

#include <string.h>

int64_t divert_ticks_ns(int64_t ticks, int64_t per_s)
{
	return ticks / per_s * NS_PER_S + ticks % per_s * NS_PER_S / per_s;
}

/* As keys have it: "any" is zeros for IPv4 too. */
static void put_address(uint8_t out[16], const uint8_t address[16])
{
	static const uint8_t any[16] = { [10] = 0xff, [11] = 0xff };

	if (memcmp(address, any, sizeof any) != 0)
		memcpy(out, address, 16);
}

static uint8_t kind_of(const struct windivert_address *a)
{
	static const uint8_t kinds[WINDIVERT_EVENTS] = {
		[WINDIVERT_FLOW_ESTABLISHED] = SOCKET_ESTABLISHED,
		[WINDIVERT_FLOW_DELETED] = SOCKET_FLOW_END,
		[WINDIVERT_SOCKET_BIND] = SOCKET_BIND,
		/* The first packet to the other side follows. */
		[WINDIVERT_SOCKET_CONNECT] = SOCKET_SEND,
		[WINDIVERT_SOCKET_LISTEN] = SOCKET_LISTEN,
		[WINDIVERT_SOCKET_ACCEPT] = SOCKET_ACCEPT,
		[WINDIVERT_SOCKET_CLOSE] = SOCKET_CLOSE,
	};

	return a->event < WINDIVERT_EVENTS ? kinds[a->event] : 0;
}

bool divert_event_take(struct socket_event *e, const struct windivert_address *a,
		       int64_t ticks_per_s)
{
	bool is_flow = a->layer == WINDIVERT_FLOW;
	bool is_bound =
		a->event == WINDIVERT_SOCKET_BIND || a->event == WINDIVERT_SOCKET_LISTEN;

	memset(e, 0, sizeof *e);
	if (!is_flow && a->layer != WINDIVERT_SOCKET)
		return false;
	e->ns = (uint64_t)divert_ticks_ns(a->ticks, ticks_per_s);
	e->cookie = a->endpoint_id;
	e->pid = a->process_id;
	e->kind = kind_of(a);
	e->family = a->is_ipv6 ? 6 : 4;
	e->protocol = a->protocol;
	e->local_port = a->local_port;
	put_address(e->local, a->local_address);
	if (!is_bound) {
		e->remote_port = a->remote_port;
		put_address(e->remote, a->remote_address);
	}
	/* A socket of both kinds is told of twice. */
	e->is_ipv6_only = 1;
	e->method = is_flow ? OWNER_WINDIVERT_FLOW : OWNER_WINDIVERT_SOCKET;
	return e->kind && a->protocol != PROTOCOL_ICMP && a->protocol != PROTOCOL_ICMPV6;
}
