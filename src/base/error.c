#include "weir/error.h"

#include "base/compiler.h"

#include <errno.h>
#include <stdarg.h>

static void PRINTF_LIKE(4, 0) fill(struct weir_error *err, enum weir_err code, int sys,
				   const char *format, va_list ap)
{
	err->code = code;
	err->sys = sys;
	if (vsnprintf(err->text, sizeof err->text, format, ap) < 0)
		err->text[0] = '\0';
}

int err_set(struct weir_error *err, enum weir_err code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, format);
	fill(err, code, 0, format, ap);
	va_end(ap);
	return code;
}

static enum weir_err code_of_errno(int sys)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
		return WEIR_ERR_NO_SPACE;
	case EPERM:
	case EACCES:
		return WEIR_ERR_PRIVILEGE;
	case EEXIST:
		return WEIR_ERR_EXISTS;
	case ENOENT:
		return WEIR_ERR_ABSENT;
	case ENOMEM:
		return WEIR_ERR_NO_MEMORY;
	default:
		return WEIR_ERR_SYSTEM;
	}
}

int err_sys(struct weir_error *err, const char *format, ...)
{
	int sys = errno;
	enum weir_err code = code_of_errno(sys);
	va_list ap;
	size_t used;

	if (!err)
		return code;
	va_start(ap, format);
	fill(err, code, sys, format, ap);
	va_end(ap);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(sys));
	return code;
}

int err_prefix(struct weir_error *err, const char *format, ...)
{
	char rest[WEIR_ERROR_TEXT];
	enum weir_err code;
	va_list ap;
	size_t used;

	if (!err)
		return WEIR_ERR_SYSTEM;
	code = err->code;
	memcpy(rest, err->text, sizeof rest);
	va_start(ap, format);
	fill(err, code, err->sys, format, ap);
	va_end(ap);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof err->text - used, ": %.*s",
		       (int)(sizeof rest - 3), rest);
	return code;
}

const char *err_name(enum weir_err code)
{
	static const char *const names[] = {
		"ok",          "usage",  "system",    "format",   "limit",
		"exists",      "absent", "no_memory", "no_space", "privilege",
		"unsupported", "busy",   "closed",    "mismatch",
	};
	unsigned n = (unsigned)-(int)code;

	return n < ARRAY_LEN(names) ? names[n] : "unknown";
}
