#include "analyze/copy.h"

static int write_cut(struct copy *c, const struct packet *p, struct weir_error *err)
{
	struct packet cut = *p;

	cut.caplen = COPY_CAPTURED_MAX;
	c->cut_count++;
	return c->writer->ops->packet(c->writer, &cut, err);
}

/* 1: the packet is written or left out, go on; 0: that was the last one wanted. */
static int take_packet(struct copy *c, const struct packet *p, struct weir_error *err)
{
	bool is_wanted = selection_takes(c->selection, c->merge, p);
	int rc;

	c->read_count++;
	if (c->annotator)
		c->writer->annotation = annotator_see(c->annotator, p, is_wanted);
	if (!is_wanted)
		return 1;
	if (UNLIKELY(p->caplen > COPY_CAPTURED_MAX && c->writer->ops->is_binary))
		rc = write_cut(c, p, err);
	else
		rc = c->writer->ops->packet(c->writer, p, err);
	if (rc)
		return rc;
	c->count++;
	if (c->is_live)
		sink_flush(c->writer->out);
	return c->count_limit && c->count == c->count_limit ? 0 : 1;
}

static int check_going(const struct copy *c, struct weir_error *err)
{
	if (c->stop && *c->stop)
		return err_set(err, WEIR_ERR_CLOSED, "interrupted");
	/* A writer of several files has none before its first packet. */
	if (c->writer->out && sink_failed(c->writer->out))
		return err_set(err, WEIR_ERR_CLOSED, "cannot write '%s'",
			       c->writer->name);
	return 0;
}

int copy_run(struct copy *c, struct weir_error *err)
{
	struct packet p;
	struct weir_error damage = { .code = WEIR_OK };
	int got = merge_next(c->merge, &p, &damage);
	int rc = c->writer->ops->begin(c->writer, err);

	while (got > 0 && !rc) {
		rc = take_packet(c, &p, err);
		if (rc <= 0)
			break;
		rc = check_going(c, err);
		if (!rc)
			got = merge_next(c->merge, &p, &damage);
	}
	if (got < 0) {
		c->is_damaged = true;
		c->damage = damage;
	}
	return rc ? rc : c->writer->ops->end(c->writer, err);
}
