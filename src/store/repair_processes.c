#include "store/repair_state.h"

#include "store/process_lines.h"
#include "store/processes.h"
#include "store/regular.h"

#include <fcntl.h>
#include <unistd.h>

/* What repairs have cut that were interrupted before they could tell of it. */
static int note_cuts(struct repair *r, int fd, const struct process_lines *p,
		     struct weir_error *err)
{
	unsigned before = r->facts->processes_tails;
	char tail[KEPT_NAME];
	int rc = 0;

	for (;; before++) {
		kept_tail_name(tail, STORE_PROCESSES, before);
		if (rc || !repair_size_beside(r, tail) ||
		    kept_is_begun(&r->kept, fd, p->whole, p->bytes, tail))
			return rc;
		rc = repair_note(r, STORE_PROCESSES, "cut", p->whole,
				 repair_size_beside(r, tail), "a torn line", err);
	}
}

static int cut_processes(struct repair *r, int fd, const struct process_lines *p,
			 struct weir_error *err)
{
	int rc = note_cuts(r, fd, p, err);

	if (rc || p->bytes == p->whole)
		return rc;
	rc = kept_another_tail(&r->kept, fd, p->whole, p->bytes, STORE_PROCESSES,
			       r->facts->processes_tails, err);
	if (!rc && ftruncate(fd, (off_t)p->whole))
		rc = err_sys(err, "cannot cut it");
	return rc ? rc
		  : repair_note(r, STORE_PROCESSES, "cut", p->whole, p->bytes - p->whole,
				"a torn line", err);
}

/* Lines are whole, or the last one is torn. */
int repair_processes(struct repair *r, struct weir_error *err)
{
	int fd = regular_open(r->view->dir_fd, STORE_PROCESSES, O_RDWR, "file", err);
	struct process_lines p;
	char hex[HASH_HEX];
	int rc;

	if (fd < 0)
		return fd == WEIR_ERR_ABSENT ? 0 : fd;
	rc = process_lines_measure(&p, fd, NULL, err);
	if (!rc)
		rc = cut_processes(r, fd, &p, err);
	if (!rc && fsync(fd))
		rc = err_sys(err, "cannot sync it");
	if (!rc) {
		hash_hex(p.sha256, hex);
		r->processes =
			json_pack("{s:s,s:I,s:I,s:s,s:n}", "name", STORE_PROCESSES,
				  "lines", (json_int_t)p.lines, "bytes",
				  (json_int_t)p.whole, "sha256", hex, "lost_lines");
	}
	(void)close(fd);
	return rc ? err_prefix(err, "'%s'", STORE_PROCESSES) : 0;
}
