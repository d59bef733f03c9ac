#include "process/existing.h"

#include "base/mem.h"
#include "packet/headers.h"
#include "port/port.h"
#include "process/processes.h"
#include "process/scan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HOLDERS = 512, /* processes whose names are kept while looking */
};

/* A socket, and whether it was told. */
struct one {
	struct socket_event event;
	bool is_told;
};

struct existing {
	existing_fn *tell;
	void *arg;
	struct one *all; /* by cookie, once all are there */
	size_t count, room;
	struct process_table *holders;
	uint64_t ns;
	uint32_t netns;
	bool is_short; /* of memory */
};

/* Its name and user; a process that has gone meanwhile has none. */
static void name_holder(struct existing *x, struct socket_event *e)
{
	uint64_t start_ns = PROCESS_START(e->start_ns);
	struct process *p = process_table_find(x->holders, e->pid, start_ns);
	int exe = -1;

	if (!p) {
		p = process_table_add(x->holders, e->pid, start_ns);
		if (facts_read(&p->facts, e->pid, start_ns, &exe))
			p->facts = (struct process_facts){ .pid = e->pid,
							   .start_ns = start_ns };
		if (exe >= 0)
			(void)close(exe);
	}
	memcpy(e->comm, p->facts.name, sizeof e->comm);
	e->uid = p->facts.has_uid ? p->facts.uid : ID_UNKNOWN;
}

static void take_seed(void *arg, const struct socket_seed *seed)
{
	struct existing *x = arg;
	struct one *o;

	if (x->count == x->room) {
		size_t room = x->room ? 2 * x->room : 256;
		struct one *all = mem_grow(x->all, room, sizeof *all);

		x->is_short |= !all;
		if (!all)
			return;
		x->all = all;
		x->room = room;
	}
	o = &x->all[x->count];
	o->is_told = false;
	existing_event(&o->event, seed);
	if (!o->event.kind)
		return;
	o->event.ns = x->ns;
	o->event.netns = x->netns;
	if (o->event.pid)
		name_holder(x, &o->event);
	x->count++;
}

static int by_cookie(const void *a, const void *b)
{
	uint64_t one = ((const struct one *)a)->event.cookie,
		 other = ((const struct one *)b)->event.cookie;

	return one < other ? -1 : one > other;
}

static int look(struct existing *x, struct weir_error *err)
{
	struct port_clocks now;
	struct stat st;
	int rc;

	port_clocks(&now);
	x->ns = (uint64_t)now.boottime_ns;
	x->netns = stat("/proc/self/ns/net", &st) ? 0 : (uint32_t)st.st_ino;
	if (process_table_new(&x->holders, HOLDERS))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for processes");
	rc = scan_sockets(take_seed, x, err);
	process_table_free(x->holders);
	x->holders = NULL;
	if (!rc && x->is_short)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for %zu sockets",
			     x->count + 1);
	if (!rc && x->count)
		qsort(x->all, x->count, sizeof *x->all, by_cookie);
	return rc;
}

int existing_new(struct existing **out, existing_fn *tell, void *arg,
		 struct weir_error *err)
{
	struct existing *x = mem_new(1, sizeof *x);
	int rc;

	*out = NULL;
	if (!x)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for sockets");
	x->tell = tell;
	x->arg = arg;
	rc = look(x, err);
	if (rc)
		existing_free(x);
	else
		*out = x;
	return rc;
}

size_t existing_count(const struct existing *x)
{
	return x->count;
}

static void tell_one(struct existing *x, struct one *o)
{
	if (!o->is_told)
		x->tell(x->arg, &o->event);
	o->is_told = true;
}

void existing_note(struct existing *x, const struct socket_event *e)
{
	struct one key = { .event = { .cookie = e->cookie } };
	struct one *o =
		x->count ? bsearch(&key, x->all, x->count, sizeof key, by_cookie) : NULL;

	if (!o)
		return;
	if (e->kind == SOCKET_CLOSE)
		tell_one(x, o);
	/* The others say nothing of how it began. */
	else if (e->kind != SOCKET_SEND && e->kind != SOCKET_USE)
		o->is_told = true;
}

void existing_tell(struct existing *x)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->all[i].event.kind == SOCKET_LISTEN)
			tell_one(x, &x->all[i]);
	for (size_t i = 0; i < x->count; i++)
		tell_one(x, &x->all[i]);
}

void existing_free(struct existing *x)
{
	if (!x)
		return;
	process_table_free(x->holders);
	mem_free(x->all);
	mem_free(x);
}
