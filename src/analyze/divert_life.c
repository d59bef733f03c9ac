#include "analyze/divert_life.h"

#include "process/divert_event.h"
#include "store/record.h"

#include <string.h>

/* Kinds are WinDivert's numbers. */
_Static_assert(LIFE_ESTABLISHED == (int)WINDIVERT_FLOW_ESTABLISHED &&
		       LIFE_DELETED == (int)WINDIVERT_FLOW_DELETED &&
		       LIFE_BIND == (int)WINDIVERT_SOCKET_BIND &&
		       LIFE_CLOSE == (int)WINDIVERT_SOCKET_CLOSE,
	       "kinds of events");

void divert_life_take(struct life_event *out, const struct divert_told *t,
		      int64_t ticks_per_s)
{
	const struct windivert_address *a = &t->address;
	struct socket_event *s = &out->socket;

	*out = (struct life_event){
		.parent_cookie = a->parent_endpoint,
		.kind = a->event,
		.certainty = a->process_id ? OWNER_EXACT : OWNER_UNKNOWN,
		.is_outbound = a->is_outbound,
		.is_loopback = a->is_loopback,
		.has_no_ids = true,
		.has_ticks = true,
		.ticks = a->ticks,
		.process_name = t->who.name[0] ? t->who.name : NULL,
	};
	s->ns = (uint64_t)divert_ticks_ns(a->ticks, ticks_per_s);
	s->cookie = a->endpoint_id;
	s->pid = a->process_id;
	s->start_ns = t->who.is_gone ? 0 : t->who.start_ns;
	s->family = a->is_ipv6 ? 6 : 4;
	s->protocol = a->protocol;
	s->local_port = a->local_port;
	s->remote_port = a->remote_port;
	s->method = a->layer == WINDIVERT_FLOW ? OWNER_WINDIVERT_FLOW
					       : OWNER_WINDIVERT_SOCKET;
	memcpy(s->local, a->local_address, sizeof s->local);
	memcpy(s->remote, a->remote_address, sizeof s->remote);
}
