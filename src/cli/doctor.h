/* What 'weir doctor' says of any machine: used by doctor.c and doctor_windows.c alone. */
#ifndef WEIR_CLI_DOCTOR_H
#define WEIR_CLI_DOCTOR_H

#include "port/port.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdint.h>

struct doctor_machine {
	struct port_identity id;
	uint64_t disk_free_bytes; /* of the working directory; UINT64_MAX: not known */
};

void doctor_look(struct doctor_machine *m);
/* "  name             text", a line. */
void doctor_row(const char *name, const char *format, ...) WEIR_PRINTF(2, 3);
/* The first rows of its report, and the first members of its object (a new reference). */
void doctor_machine_rows(const struct doctor_machine *m);
json_t *doctor_machine_json(const struct doctor_machine *m);
/* One line on standard output; takes the reference, which may be NULL.  An exit code. */
int doctor_print(json_t *all);

#endif
