#include "process/written.h"

#include "base/mem.h"
#include "weir/error.h"

#include <string.h>

enum {
	SETS = 16384, /* a power of two */
	WAYS = 4
};

struct written {
	uint64_t lines[SETS][WAYS]; /* the last one of a set first; 0: none */
};

size_t written_bytes(void)
{
	return sizeof(struct written);
}

int written_new(struct written **w)
{
	*w = mem_new(1, sizeof **w);
	return *w ? 0 : WEIR_ERR_NO_MEMORY;
}

void written_free(struct written *w)
{
	mem_free(w);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* Not by what is read anew each time, such as the arguments, which a process may change as it likes. */
static uint64_t line_of(const struct process_facts *f)
{
	uint64_t h = mix(mix(0, f->start_ns), (uint64_t)f->pid << 32 | f->execs);

	h = mix(h, f->seen == SEEN_EXEC ? (uint64_t)f->at_ns : 0);
	h = mix(h, f->ended_ns != 0);
	return h ? h : 1;
}

bool written_before(struct written *w, const struct process_facts *f)
{
	uint64_t line = line_of(f);
	uint64_t *set = w->lines[line >> 40 & (SETS - 1)];
	unsigned i = 0;
	bool is_there;

	while (i < WAYS - 1 && set[i] != line)
		i++;
	is_there = set[i] == line;
	memmove(set + 1, set, i * sizeof *set);
	set[0] = line;
	return is_there;
}
