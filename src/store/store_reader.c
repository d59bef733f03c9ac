#include "store/form.h"

int store_reader_new(struct reader **r, const char *path, struct weir_error *err)
{
	*r = NULL;
	return err_set(err, WEIR_ERR_UNSUPPORTED,
		       "cannot read '%.200s': it is a directory", path);
}
