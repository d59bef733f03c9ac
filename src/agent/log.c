#include "agent/log.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	LINE_MAX_BYTES = 1024
};

void agent_log(const struct agent_log *log, enum log_level level, const char *subject,
	       const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	if (!log || !log->line)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	log->line(log->data, level, subject, text);
}
