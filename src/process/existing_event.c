/* What a snapshot tells of a socket, as an event.  Pure. */
#include "process/existing.h"

#include "packet/headers.h"

#include <string.h>

/* Of the kernel's tcp_states.h. */
enum {
	STATE_SYN_SENT = 2,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10
};

static uint8_t kind_of(const struct socket_seed *s)
{
	if (s->key.protocol == PROTOCOL_TCP && s->state == STATE_LISTEN)
		return SOCKET_LISTEN;
	if (s->key.protocol == PROTOCOL_TCP && s->state == STATE_SYN_SENT)
		return SOCKET_CONNECT;
	if (s->key.remote_port)
		return s->key.protocol == PROTOCOL_TCP && s->state == STATE_CLOSE
			       ? 0
			       : SOCKET_ESTABLISHED;
	return s->key.protocol == PROTOCOL_UDP && s->key.local_port ? SOCKET_BIND : 0;
}

void existing_event(struct socket_event *e, const struct socket_seed *s)
{
	*e = (struct socket_event){ .cookie = s->cookie,
				    .kind = kind_of(s),
				    .family = s->key.family,
				    .protocol = s->key.protocol,
				    .state = s->state,
				    .local_port = s->key.local_port,
				    .remote_port = s->key.remote_port,
				    .pid = s->pid,
				    .start_ns = s->start_ns,
				    .is_ipv6_only = s->is_ipv6_only };
	memcpy(e->local, s->key.local, sizeof e->local);
	memcpy(e->remote, s->key.remote, sizeof e->remote);
}
