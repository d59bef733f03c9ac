#include "agent/audit_names.h"

#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILES_MAX = 100000,
};

static bool is_aside(const char *name)
{
	return !strncmp(name, "audit-", 6) && strlen(name) == 24 &&
	       strspn(name + 6, "0123456789") == 12 && !strcmp(name + 18, ".jsonl");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int add_name(struct audit_names *n, const char *name, struct weir_error *err)
{
	if (n->count == n->room) {
		size_t room = n->room ? 2 * n->room : 16;
		void *grown =
			room <= FILES_MAX ? mem_grow(n->at, room, sizeof n->at[0]) : NULL;

		if (!grown)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for %zu audit files", room);
		n->at = grown;
		n->room = room;
	}
	(void)snprintf(n->at[n->count++], sizeof n->at[0], "%s", name);
	return 0;
}

int audit_names_list(struct audit_names *n, int dir_fd, struct weir_error *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	*n = (struct audit_names){ .at = NULL };
	if (!dir) {
		rc = err_sys(err, "cannot list the audit log's directory");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (!rc && (e = readdir(dir)) != NULL)
		if (is_aside(e->d_name))
			rc = add_name(n, e->d_name, err);
	(void)closedir(dir);
	if (n->count)
		qsort(n->at, n->count, sizeof n->at[0], by_name);
	return rc;
}

void audit_names_fini(struct audit_names *n)
{
	mem_free(n->at);
	*n = (struct audit_names){ .at = NULL };
}
