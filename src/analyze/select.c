#include "analyze/select.h"

#include "filter/recorded.h"
#include "store/iface.h"
#include "store/processes.h"
#include "weir/filter.h"

int selection_init(struct selection *s, const char *text, unsigned flags, int64_t from_ns,
		   int64_t to_ns, struct weir_error *err)
{
	struct filter_error bad;

	*s = (struct selection){ .from_ns = from_ns, .to_ns = to_ns };
	if (from_ns > to_ns)
		return err_set(err, WEIR_ERR_USAGE, "--from lies behind --to");
	if (!text)
		return 0;
	if (filter_compile(&s->filter, text, FILTER_NETWORK, flags, &bad))
		return filter_error_line(&bad, err);
	s->asks_process = filter_asks_process(s->filter);
	if (filter_is_true(s->filter))
		selection_fini(s); /* not even the link layer needs to be known */
	return 0;
}

void selection_fini(struct selection *s)
{
	filter_free(s->filter);
	s->filter = NULL;
}

static bool matches(const struct selection *s, const struct merge *m,
		    const struct packet *p)
{
	const struct iface_info *info = merge_iface(m, p->iface);
	const struct process_fact *process = s->asks_process ? merge_process(m, p) : NULL;
	struct recorded r = { .data = p->data,
			      .caplen = p->caplen,
			      .len = p->len,
			      .linktype = info->linktype,
			      .ns = p->ns,
			      .flags = p->flags,
			      .iface = info->name,
			      .if_idx = info->index,
			      .is_loopback = iface_is_loopback(info),
			      .has_pid = p->has_pid,
			      .pid = p->pid };

	if (process) {
		r.process_name = process->name;
		r.process_path = process->path;
		r.user = process->user;
		r.container = process->container;
	}
	return filter_takes(s->filter, &r);
}

bool selection_takes(const struct selection *s, const struct merge *m,
		     const struct packet *p)
{
	if (p->ns < s->from_ns || p->ns > s->to_ns)
		return false;
	return !s->filter || matches(s, m, p);
}
