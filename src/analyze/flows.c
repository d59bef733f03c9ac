#include "analyze/flows.h"

#include "analyze/sorter.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "filesystem/when.h"

/* A part of a flow on its way to the others: sorted by key, then by when it was handed over. */
struct part {
	struct flow_key key;
	uint8_t number[8]; /* big endian */
	struct flow flow;
};

struct flows {
	struct follow *follow;
	struct sorter *parts, *rows;
	uint64_t part_count, packets, flows;
	struct weir_error *err; /* of the call that goes on */
};

static int add_row(struct flows *f, const struct flow *flow)
{
	return sorter_add(f->rows, when_of_ns(flow->first_ns), flow, sizeof *flow,
			  f->err);
}

/* Until the first flow leaves the table before its end, each that comes out of it is whole. */
static int take_done(void *arg, const struct flow *flow, bool is_part)
{
	static const struct file_time never = { 0 };
	struct flows *f = arg;
	struct part part;

	if (!is_part && !f->part_count)
		return add_row(f, flow);
	memset(&part, 0, sizeof part);
	part.key = flow->key;
	part.flow = *flow;
	(void)put_u32be(put_u32be(part.number, (uint32_t)(f->part_count >> 32)),
			(uint32_t)f->part_count);
	f->part_count++;
	return sorter_add(f->parts, never, &part, sizeof part, f->err);
}

void flows_free(struct flows *f)
{
	if (!f)
		return;
	follow_free(f->follow);
	sorter_free(f->parts);
	sorter_free(f->rows);
	mem_free(f);
}

struct flows *flows_new(const struct merge *m, size_t memory_bytes)
{
	struct flows *f = mem_new(1, sizeof *f);

	if (!f)
		return NULL;
	f->follow = follow_new(m, memory_bytes / 2, take_done, f);
	f->parts = sorter_new(memory_bytes / 4);
	f->rows = sorter_new(memory_bytes / 4);
	if (f->follow && f->parts && f->rows)
		return f;
	flows_free(f);
	return NULL;
}

int flows_packet(struct flows *f, const struct packet *p, bool is_wanted,
		 struct weir_error *err)
{
	const struct flow *flow;

	f->err = err;
	f->packets += is_wanted;
	return follow_packet(f->follow, p, is_wanted, &flow);
}

/* Puts the parts of each flow together, in the order in which they were handed over. */
static int join_parts(struct flows *f)
{
	struct flow whole;
	struct file_time at;
	const void *bytes;
	bool has_whole = false;
	size_t length;
	int rc;

	rc = sorter_finish(f->parts, f->err);
	if (rc)
		return rc;
	while ((rc = sorter_next(f->parts, &at, &bytes, &length, f->err)) == 1) {
		struct part part;

		memcpy(&part, bytes, sizeof part);
		if (has_whole && !memcmp(&whole.key, &part.key, sizeof part.key) &&
		    flow_is_part(&whole, &part.flow)) {
			flow_join(&whole, &part.flow);
			continue;
		}
		rc = has_whole ? add_row(f, &whole) : 0;
		if (rc)
			return rc;
		whole = part.flow;
		has_whole = true;
	}
	return !rc && has_whole ? add_row(f, &whole) : rc;
}

int flows_finish(struct flows *f, struct weir_error *err)
{
	int rc;

	f->err = err;
	rc = follow_finish(f->follow);
	if (!rc)
		rc = join_parts(f);
	return rc ? rc : sorter_finish(f->rows, err);
}

int flows_next(struct flows *f, struct flow *flow, struct weir_error *err)
{
	struct file_time at;
	const void *bytes;
	size_t length;
	int rc = sorter_next(f->rows, &at, &bytes, &length, err);

	if (rc != 1)
		return rc;
	memcpy(flow, bytes, sizeof *flow);
	f->flows++;
	return 1;
}

void flows_count(const struct flows *f, struct flows_counts *counts)
{
	counts->packets = f->packets;
	counts->flows = f->flows;
	follow_count(f->follow, &counts->follow);
}
