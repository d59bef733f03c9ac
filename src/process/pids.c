#include "process/pids.h"

#include "base/mem.h"
#include "base/time.h"
#include "port/port.h"

#include <string.h>

#define WAYS 4
#define SETS (PIDS / WAYS)
/* Late events of a process that has ended still name it. */
#define KEEP_NS (10 * NS_PER_S)
/* The system's time of a start is that of its tick before; more than this behind an event it is
 * another process. */
#define STEP_NS NS_PER_MS

struct known {
	struct port_process process; /* pid 0: nothing */
	uint64_t key;
	uint64_t used; /* the turn of its last use */
	int64_t ended_ns;
	bool is_gone, is_told;
};

struct pids {
	const struct pids_system *system;
	struct port_monitor *lock;
	uint64_t turn;
	struct known known[SETS][WAYS];
};

uint64_t pids_bytes(void)
{
	return sizeof(struct pids);
}

int pids_new(struct pids **out, const struct pids_system *system)
{
	struct pids *p = mem_new(1, sizeof *p);

	*out = NULL;
	if (!p)
		return WEIR_ERR_NO_MEMORY;
	p->system = system;
	p->lock = port_monitor_new();
	if (!p->lock) {
		mem_free(p);
		return WEIR_ERR_NO_MEMORY;
	}
	*out = p;
	return 0;
}

static void forget(struct pids *p, struct known *k)
{
	if (k->process.handle)
		p->system->close(&k->process);
	memset(k, 0, sizeof *k);
}

void pids_free(struct pids *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < PIDS; i++)
		forget(p, &p->known[i / WAYS][i % WAYS]);
	port_monitor_free(p->lock);
	mem_free(p);
}

/* Ids are multiples of four. */
static struct known *set_of(struct pids *p, uint32_t pid)
{
	return p->known[(pid * UINT32_C(2654435761)) >> 22 & (SETS - 1)];
}

static struct known *find(struct pids *p, uint32_t pid)
{
	struct known *set = set_of(p, pid);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].process.pid == pid)
			return &set[i];
	return NULL;
}

/* The one that was not used for longest makes room. */
static struct known *make_room(struct pids *p, uint32_t pid)
{
	struct known *set = set_of(p, pid), *victim = set;

	for (unsigned i = 1; i < WAYS && victim->process.pid; i++)
		if (!set[i].process.pid || set[i].used < victim->used)
			victim = &set[i];
	forget(p, victim);
	return victim;
}

/* The process that the event named, opened now; false: it is gone, whoever has its id. */
static bool look(struct pids *p, uint32_t pid, int64_t at_ns, struct port_process *found)
{
	memset(found, 0, sizeof *found);
	if (p->system->open(found, pid))
		return false;
	if (found->started_ns > 0 && found->started_ns <= at_ns + STEP_NS)
		return true;
	if (found->handle)
		p->system->close(found);
	return false;
}

/* What is known without being open is compared with what is there now.  Of two that were gone nothing
 * tells them apart, and nothing is said of either. */
static bool is_same(const struct known *k, bool is_there, const struct port_process *now)
{
	if (!is_there)
		return k->is_gone;
	return !k->is_gone && k->process.started_ns == now->started_ns;
}

static struct known *renew(struct pids *p, uint32_t pid, int64_t at_ns, bool *is_new)
{
	struct known *k = find(p, pid);
	struct port_process now;
	bool is_there;

	if (k && k->process.handle)
		return k;
	is_there = look(p, pid, at_ns, &now);
	if (k && is_same(k, is_there, &now)) {
		if (is_there && now.handle)
			k->process = now;
		return k;
	}
	*is_new = true;
	if (k)
		forget(p, k);
	else
		k = make_room(p, pid);
	if (is_there)
		k->process = now;
	k->process.pid = pid;
	k->is_gone = !is_there;
	k->key = (uint64_t)(is_there ? now.started_ns : at_ns);
	return k;
}

void pids_who(struct pids *p, uint32_t pid, int64_t at_ns, struct pids_answer *answer)
{
	struct known *k;

	memset(answer, 0, sizeof *answer);
	if (!pid)
		return;
	port_monitor_lock(p->lock);
	k = renew(p, pid, at_ns, &answer->is_new);
	k->used = ++p->turn;
	answer->start_ns = k->key;
	answer->is_gone = k->is_gone;
	memcpy(answer->name, k->process.name, sizeof answer->name);
	port_monitor_unlock(p->lock);
}

static void tend(struct pids *p, struct known *k, int64_t now_ns)
{
	if (!k->ended_ns)
		k->ended_ns = p->system->ended(&k->process);
	if (k->ended_ns && k->is_told && now_ns - k->ended_ns > KEEP_NS)
		forget(p, k);
}

void pids_tend(struct pids *p, int64_t now_ns, pids_on_end ended, void *arg)
{
	for (unsigned i = 0; i < PIDS; i++) {
		struct known *k = &p->known[i / WAYS][i % WAYS], told = { .key = 0 };

		port_monitor_lock(p->lock);
		if (k->process.handle)
			tend(p, k, now_ns);
		if (k->ended_ns && !k->is_told) {
			k->is_told = true;
			told = *k;
		}
		port_monitor_unlock(p->lock);
		if (told.key && ended)
			ended(arg, told.process.pid, told.key, told.ended_ns);
	}
}
