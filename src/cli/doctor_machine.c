#include "cli/doctor.h"

#include "base/time.h"
#include "cli/cli.h"

#include "weir_version.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void doctor_look(struct doctor_machine *m)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	port_identity(&m->id);
	m->disk_free_bytes = UINT64_MAX;
	if (dir < 0)
		return;
	if (port_disk_free(dir, &m->disk_free_bytes))
		m->disk_free_bytes = UINT64_MAX;
	(void)close(dir);
}

void doctor_row(const char *name, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)printf("  %-16s ", name);
	(void)vprintf(format, ap);
	(void)printf("\n");
	va_end(ap);
}

void doctor_machine_rows(const struct doctor_machine *m)
{
	char size[SIZE_TEXT];

	(void)printf("machine\n");
	doctor_row("system", "%s", m->id.os);
	doctor_row("kernel", "%s %s", m->id.kernel, m->id.hardware);
	size_format(m->id.memory_bytes, size);
	doctor_row("processors", "%" PRIu32 ", memory %s", m->id.cpu_count, size);
	size_format(m->disk_free_bytes, size);
	doctor_row("disk", "%s free in the working directory",
		   m->disk_free_bytes == UINT64_MAX ? "unknown" : size);
}

json_t *doctor_machine_json(const struct doctor_machine *m)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I}", "version", WEIR_VERSION,
			 "system", m->id.os, "kernel", m->id.kernel, "hardware",
			 m->id.hardware, "cpu_count", (int)m->id.cpu_count,
			 "memory_bytes", (json_int_t)m->id.memory_bytes,
			 "disk_free_bytes", (json_int_t)(m->disk_free_bytes & INT64_MAX));
}

int doctor_print(json_t *all)
{
	int rc = all ? json_dumpf(all, stdout, JSON_COMPACT) : -1;

	json_decref(all);
	if (rc) {
		(void)fprintf(stderr, "weir doctor: cannot write JSON\n");
		return EXIT_ENVIRONMENT;
	}
	(void)printf("\n");
	return EXIT_DONE;
}
