#include "agent/notes.h"

#include <stdio.h>
#include <string.h>

static void fill(struct note *n, const char *type, const char *reason,
		 const char *address, const char *caller)
{
	memset(n, 0, sizeof *n);
	(void)snprintf(n->type, sizeof n->type, "%s", type);
	(void)snprintf(n->reason, sizeof n->reason, "%s", reason);
	(void)snprintf(n->address, sizeof n->address, "%s", address ? address : "");
	(void)snprintf(n->caller, sizeof n->caller, "%s", caller ? caller : "");
}

static struct note *find(struct notes *n, const struct note *like)
{
	for (unsigned i = 0; i < n->used; i++) {
		struct note *o = &n->items[i];

		if (!strcmp(o->type, like->type) && !strcmp(o->reason, like->reason) &&
		    !strcmp(o->address, like->address) &&
		    !strcmp(o->caller, like->caller))
			return o;
	}
	return NULL;
}

void audit_notes_add(struct notes *n, const char *type, const char *reason,
		     const char *address, const char *caller, int64_t now_ns)
{
	struct note like, *same;

	fill(&like, type, reason, address, caller);
	same = find(n, &like);
	if (same) {
		same->count++;
		return;
	}
	if (n->used == NOTES_MAX) {
		if (!n->others++)
			n->others_ends_ns = now_ns + NOTE_WINDOW_S * NS_PER_S;
		return;
	}
	n->tell(n->data, &like, 1);
	like.ends_ns = now_ns + NOTE_WINDOW_S * NS_PER_S;
	n->items[n->used++] = like;
}

static void flush_others(struct notes *n)
{
	struct note many;

	fill(&many, "refused", "too many kinds of refusals to tell them apart", NULL,
	     NULL);
	n->tell(n->data, &many, n->others);
	n->others = 0;
}

void audit_notes_flush(struct notes *n, int64_t now_ns, int all)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n->used; i++) {
		struct note *o = &n->items[i];

		if (!all && now_ns < o->ends_ns) {
			n->items[kept++] = *o;
			continue;
		}
		if (o->count)
			n->tell(n->data, o, o->count);
	}
	n->used = kept;
	if (n->others && (all || now_ns >= n->others_ends_ns))
		flush_others(n);
}
