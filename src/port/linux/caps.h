/* Capability names as port.h has them, as bits; for privilege.c and the sandbox. */
#ifndef WEIR_PORT_LINUX_CAPS_H
#define WEIR_PORT_LINUX_CAPS_H

#include "port/port.h"

/* "net_raw,net_admin" to bits. */
int caps_parse(const char *names, uint64_t *bits, struct weir_error *err) MUST_CHECK;
/* The bits' names; "none" where there are none. */
void caps_format(uint64_t bits, char *text, size_t size);
/* Exactly these, of those that the process has, in every set: exec keeps them, nothing gains more.
 * *held is what it had of them. */
int caps_confine(uint64_t bits, uint64_t *held, struct weir_error *err) MUST_CHECK;
/* Another user and group, no further groups; capabilities stay until caps_confine(). */
int caps_become(const struct port_user *user, struct weir_error *err) MUST_CHECK;

#endif
