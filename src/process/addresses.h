/* The addresses of this network namespace (Windows: of this machine): only their packets can be of a
 * socket bound to any. */
#ifndef WEIR_PROCESS_ADDRESSES_H
#define WEIR_PROCESS_ADDRESSES_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl_message;

#define ADDRESSES_MOST 512

/* 16 bytes each, IPv4 as ::ffff:a.b.c.d. */
struct addresses {
	unsigned count;
	bool is_cut; /* there are more: every address counts as ours */
	uint8_t list[ADDRESSES_MOST][16];
};

/* An address of 4 or 16 bytes. */
void addresses_add(struct addresses *a, const uint8_t *bytes, size_t length);
/* Linux: a message of an RTM_GETADDR dump. */
void addresses_take(struct addresses *a, const struct nl_message *m);
/* Asks the system; on failure the list is as it was. */
int addresses_read(struct addresses *a, struct weir_error *err) MUST_CHECK;
/* Ours, loopback, multicast or broadcast. */
bool addresses_have(const struct addresses *a, const uint8_t address[16]);

#endif
