/* processes.jsonl, or behind a first byte of 0 the body of a process block: what comes out is
 * bounded, and its texts end. */
#include "store/process_block.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct processes *p)
{
	const struct process_fact *f;

	for (size_t i = 0; (f = processes_at(p, i)) != NULL; i++) {
		assert(!f->name || strlen(f->name) <= 1 << 20);
		assert(!f->command_line_length ||
		       !f->command_line[f->command_line_length - 1]);
		/* Its own id finds it, or another of that id. */
		assert(processes_find(p, f->pid, f->start_ns, INT64_MAX - 20000000) ||
		       f->started_ns > INT64_MAX - 20000000);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct processes *p = processes_new();
	static uint8_t again[PROCESS_BLOCK_MAX];

	if (!p)
		return 0;
	if (size && !data[0])
		processes_add_block(p, data + 1, size - 1);
	else if (processes_load(p, byte_source_memory(data, size), NULL))
		assert(0);
	look(p);
	for (size_t i = 0; processes_at(p, i); i++)
		assert(process_block_put(again, processes_at(p, i)) <= sizeof again);
	processes_free(p);
	return 0;
}
