#include "analyze/annotate.h"

#include "analyze/follow.h"
#include "analyze/process_text.h"
#include "base/mem.h"
#include "store/processes.h"

enum {
	TABLE_BYTES = 64 << 20,
	SHOWN = 512 /* bytes of each text: with each escaped there is room for all */
};

struct annotator {
	const struct merge *merge;
	struct follow *follow;
	char text[ANNOTATION_MAX];
};

struct annotator *annotator_new(const struct merge *m)
{
	struct annotator *a = mem_new(1, sizeof *a);

	if (!a)
		return NULL;
	a->merge = m;
	a->follow = follow_new(m, TABLE_BYTES, NULL, NULL);
	if (a->follow)
		return a;
	mem_free(a);
	return NULL;
}

void annotator_free(struct annotator *a)
{
	if (!a)
		return;
	follow_free(a->follow);
	mem_free(a);
}

static void put_text(struct line *l, const char *before, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!n)
		return;
	line_text(l, before);
	line_printable(l, text, n < SHOWN ? n : SHOWN);
}

static void put_process(struct line *l, const struct packet *p,
			const struct process_fact *f)
{
	struct flow_owner o = flow_owner_of(p);
	const char *certainty = process_certainty(&o);

	if (!certainty)
		return;
	line_text(l, "process ");
	if (o.is_known)
		(void)process_put(l, &o, f);
	if (o.is_known)
		line_char(l, ' ');
	line_text(l, certainty);
	if (!f)
		return;
	put_text(l, ", ", f->path);
	put_text(l, ", user ", f->user);
	put_text(l, ", container ", f->container);
}

static void put_names(struct line *l, const struct flow *f)
{
	const char *before = line_length(l) ? "; names " : "names ";

	for (unsigned i = 0; i < FLOW_NAMES && f->names[i].text; i++) {
		put_text(l, before, f->names[i].text);
		line_text(l, f->names[i].is_unasked ? " (unasked " : " (");
		line_text(l, flow_name_from_name(f->names[i].from));
		line_char(l, ')');
		before = ", ";
	}
}

struct annotation annotator_see(struct annotator *a, const struct packet *p,
				bool is_wanted)
{
	const struct flow *flow;
	struct line l;

	/* Nobody is told of flows that go: there is no callback that could fail. */
	if (follow_packet(a->follow, p, is_wanted, &flow))
		flow = NULL;
	line_init(&l, a->text, sizeof a->text);
	if (is_wanted)
		put_process(&l, p, merge_process(a->merge, p));
	if (flow)
		put_names(&l, flow);
	return (struct annotation){ .text = a->text, .length = line_length(&l) };
}
