#include "process/kept.h"

#include "base/mem.h"

#include <string.h>

enum {
	SETS = 8192, /* a power of two */
	WAYS = 4
};

struct kept_process {
	uint64_t start_ns;
	uint32_t pid, execs;
	struct kept_texts texts;
	bool is_there;
};

struct kept {
	const struct filter *filter;
	struct kept_process *processes; /* of each set the one used last first */
};

size_t kept_bytes(void)
{
	return SETS * WAYS * sizeof(struct kept_process);
}

int kept_new(struct kept **out, const struct filter *f)
{
	struct kept *k = mem_new(1, sizeof *k);

	*out = NULL;
	if (!k)
		return WEIR_ERR_NO_MEMORY;
	k->filter = f;
	k->processes = mem_new((size_t)SETS * WAYS, sizeof *k->processes);
	if (!k->processes) {
		kept_free(k);
		return WEIR_ERR_NO_MEMORY;
	}
	*out = k;
	return 0;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	mem_free(k->processes);
	mem_free(k);
}

static struct kept_process *set_of(const struct kept *k, uint32_t pid, uint64_t start_ns)
{
	uint64_t h = (start_ns ^ pid) * UINT64_C(0x9e3779b97f4a7c15);

	return &k->processes[(size_t)(h >> 40 & (SETS - 1)) * WAYS];
}

/* To the front of its set: what is there, else in the place of the last one. */
static struct kept_process *use(struct kept *k, uint32_t pid, uint64_t start_ns)
{
	struct kept_process *set = set_of(k, pid, start_ns), found;
	unsigned i = 0;

	while (i < WAYS - 1 && (set[i].pid != pid || set[i].start_ns != start_ns))
		i++;
	found = set[i];
	memmove(set + 1, set, i * sizeof *set);
	set[0] = found;
	return set;
}

static const char *text_of(const struct kept *k, const char *text)
{
	return text[0] ? filter_text_like(k->filter, text) : NULL;
}

void kept_put(struct kept *k, const struct process_facts *f, int64_t from_ns)
{
	*use(k, f->pid, f->start_ns) = (struct kept_process){
		.start_ns = f->start_ns,
		.pid = f->pid,
		.execs = f->execs,
		.texts = { .name = text_of(k, f->name),
			   .path = text_of(k, f->path),
			   .user = text_of(k, f->user),
			   .container = text_of(k, f->container),
			   .from_ns = from_ns },
		.is_there = true,
	};
}

const struct kept_texts *kept_find(struct kept *k, uint32_t pid, uint64_t start_ns,
				   uint32_t execs)
{
	const struct kept_process *p = set_of(k, pid, start_ns);

	for (unsigned i = 0; i < WAYS; i++)
		if (p[i].is_there && p[i].pid == pid && p[i].start_ns == start_ns)
			return p[i].execs == execs ? &use(k, pid, start_ns)->texts : NULL;
	return NULL;
}
