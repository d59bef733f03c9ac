#include "store/process_set.h"

#include <string.h>

void process_set_clear(struct process_set *s)
{
	memset(s, 0, sizeof *s);
}

/* False: it is there already, or there is no room for it. */
static bool add(struct process_set *s, uint32_t process)
{
	uint32_t at = process * UINT32_C(2654435761) & (PROCESS_SET - 1);

	while (s->known[at] && s->known[at] != process)
		at = (at + 1) & (PROCESS_SET - 1);
	if (s->known[at] || s->count >= PROCESS_SET / 4 * 3 ||
	    s->pending_count == PROCESS_PENDING)
		return false;
	s->known[at] = process;
	s->count++;
	return true;
}

void process_set_note(struct process_set *s, const struct span *span)
{
	for (unsigned i = 0; i < span->process_count; i++)
		if (add(s, span->processes[i]))
			s->pending[s->pending_count++] = span->processes[i];
}

void process_set_begin(struct process_set *s)
{
	s->next = 0;
}

size_t process_set_next(struct process_set *s, const struct process_source *source,
			uint8_t *block, bool is_last)
{
	while (source->put && s->next < s->pending_count) {
		size_t length =
			source->put(source->arg, s->pending[s->next], block, is_last);

		if (!length) {
			s->next++;
			continue;
		}
		s->pending_count--;
		memmove(&s->pending[s->next], &s->pending[s->next + 1],
			(s->pending_count - s->next) * sizeof s->pending[0]);
		return length;
	}
	return 0;
}
