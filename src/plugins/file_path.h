/* Paths as controllers name them: text or bytes, seen from the directory that their session has
 * chosen.  The process itself never changes its directory, so sessions do not disturb each other.
 *
 * Threads: a struct cwds locks itself.  Memory: CWDS_MAX sessions; the one unused for longest is
 * forgotten then, and is in "/" again. */
#ifndef WEIR_PLUGINS_FILE_PATH_H
#define WEIR_PLUGINS_FILE_PATH_H

#include "plugins/serve.h"

enum {
	FILE_PATH_MAX = 4096, /* with NUL */
	CWDS_MAX = 256,
};

struct cwds;

/* Restores what the last life of the plugin knew. */
int cwds_new(struct cwds **c, struct weir_error *err) MUST_CHECK;
void cwds_free(struct cwds *c);
void cwds_get(struct cwds *c, int64_t session, char path[FILE_PATH_MAX]);
/* path is absolute; it must be a directory, and comes back as the system calls it, without links. */
int cwds_set(struct cwds *c, int64_t session, char path[FILE_PATH_MAX],
	     struct weir_error *err) MUST_CHECK;
void cwds_forget(struct cwds *c, int64_t session);

/* From a text or base64 (both NULL: the directory itself).  WEIR_ERR_FORMAT where it is no path. */
int file_path(struct cwds *c, int64_t session, const char *text, const char *b64,
	      char path[FILE_PATH_MAX], struct weir_error *err) MUST_CHECK;
/* {"path":...}, and "path_b64" where the bytes are no UTF-8. */
json_t *file_path_json(const char *path) MUST_CHECK;

/* The directive `read` (file_read.c): streams {"offset","data"} (base64), ends with {"bytes",
 * "size_bytes","sha256"}.  offset and length may be NULL. */
void file_read(struct serve_call *c, const char *path, const json_t *offset,
	       const json_t *length);

#endif
