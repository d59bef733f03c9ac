/* Where a plugin gives up nothing while it runs, it starts recorders itself: a launcher beside it would
 * have no more than it has.  What it is asked for is checked all the same. */
#include "plugins/launcher.h"

#include "base/mem.h"

struct launcher {
	char stores[2048];
};

int launcher_new(struct launcher **out, const char *stores, struct weir_error *err)
{
	struct launcher *l = mem_new(1, sizeof *l);

	*out = l;
	if (!l)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a launcher");
	(void)snprintf(l->stores, sizeof l->stores, "%s", stores);
	return 0;
}

int launcher_start(struct launcher *l, struct program *p, const char *const *words,
		   struct weir_error *err)
{
	int rc = launcher_check(words, l->stores, err);

	return rc ? rc : program_start(p, words, true, err);
}

const atomic_bool *launcher_is_gone(const struct launcher *l)
{
	(void)l;
	return NULL;
}

void launcher_free(struct launcher *l)
{
	mem_free(l);
}
