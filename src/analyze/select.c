#include "analyze/select.h"

int selection_init(struct selection *s, const char *text, int64_t from_ns, int64_t to_ns,
		   struct weir_error *err)
{
	*s = (struct selection){ .from_ns = from_ns, .to_ns = to_ns };
	if (from_ns > to_ns)
		return err_set(err, WEIR_ERR_USAGE, "--from lies behind --to");
	if (text && strcmp(text, "true") != 0)
		return err_set(err, WEIR_ERR_UNSUPPORTED,
			       "filter '%.60s': only 'true' is understood yet", text);
	return 0;
}

void selection_fini(struct selection *s)
{
	(void)s;
}

bool selection_takes(const struct selection *s, const struct merge *m UNUSED,
		     const struct packet *p)
{
	return p->ns >= s->from_ns && p->ns <= s->to_ns;
}
