#include "analyze/process_text.h"

#include "base/compiler.h"
#include "store/processes.h"
#include "store/record.h"

size_t process_name_length(const char *name)
{
	size_t n = strlen(name);

	return n < PROCESS_NAME_SHOWN ? n : PROCESS_NAME_SHOWN;
}

struct flow_owner flow_owner_of(const struct packet *p)
{
	return (struct flow_owner){ .start_ns = p->owner.start_ns,
				    .pid = p->pid,
				    .method = p->owner.method,
				    .certainty = p->owner.certainty,
				    .is_known = p->has_pid,
				    .was_sought = p->has_owner };
}

bool process_put(struct line *l, const struct flow_owner *o, const struct process_fact *f)
{
	if (!o->is_known) {
		if (o->was_sought)
			line_char(l, '?');
		return o->was_sought;
	}
	if (f && f->name && *f->name)
		line_printable(l, f->name, process_name_length(f->name));
	else
		line_char(l, '?');
	line_char(l, '[');
	line_unsigned(l, o->pid);
	line_char(l, ']');
	if (o->was_sought && o->certainty != OWNER_EXACT)
		line_char(l, '?');
	return true;
}

const char *process_certainty(const struct flow_owner *o)
{
	static const char *const names[] = {
		[OWNER_UNKNOWN] = "unknown",   [OWNER_EXACT] = "exact",
		[OWNER_WILDCARD] = "wildcard", [OWNER_LISTENER] = "listener",
		[OWNER_EARLIER] = "earlier",
	};

	if (!o->was_sought)
		return o->is_known ? "stated" : NULL;
	return o->is_known && o->certainty < ARRAY_LEN(names) ? names[o->certainty]
							      : "unknown";
}

const char *process_method(const struct flow_owner *o)
{
	static const char *const names[] = {
		[OWNER_SOCKET] = "socket",
		[OWNER_COOKIE] = "cookie",
		[OWNER_TUPLE] = "tuple",
		[OWNER_DIAG] = "diag",
		[OWNER_PROC] = "proc",
		[OWNER_WINDIVERT_FLOW] = "windivert_flow",
		[OWNER_WINDIVERT_SOCKET] = "windivert_socket",
		[OWNER_IPHELPER] = "iphelper",
	};

	return o->was_sought && o->method < ARRAY_LEN(names) ? names[o->method] : NULL;
}
