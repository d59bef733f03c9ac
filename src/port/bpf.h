/* bpf(2): maps, programs, and one run of a program on bytes of ours.  Linux only.
 *
 * Calling sequence: port_bpf_map_create() for each map, put its descriptor into the instructions
 * (filter/bpf_asm.h does), port_bpf_program_load(), attach the descriptor (SO_ATTACH_BPF, an xt_bpf
 * match), close() both; the kernel keeps what is attached.
 *
 * Ownership: descriptors are the caller's and close-on-exec.  Threads: all functions are free of
 * state.  Errors: PRIVILEGE without CAP_BPF (or SYS_ADMIN before 5.8), UNSUPPORTED where the
 * kernel has no bpf(2), else SYSTEM; a refused program's text ends with the
 * verifier's last line.
 * Facts: linux/bpf.h, Documentation/bpf of the kernel. */
#ifndef WEIR_PORT_BPF_H
#define WEIR_PORT_BPF_H

#include "base/compiler.h"
#include "weir/error.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

struct port_bpf_map {
	enum bpf_map_type type;
	uint32_t key_bytes, value_bytes, entries;
	uint32_t
		flags; /* BPF_F_MMAPABLE for an array that user space reads and writes in place */
	const char *name; /* at most 15 letters, digits, '_' */
};

/* A descriptor, or a negative enum weir_err. */
int port_bpf_map_create(const struct port_bpf_map *spec,
			struct weir_error *err) MUST_CHECK;
int port_bpf_map_update(int fd, const void *key, const void *value,
			struct weir_error *err) MUST_CHECK;
/* WEIR_ERR_ABSENT when there is no such key. */
int port_bpf_map_lookup(int fd, const void *key, void *value,
			struct weir_error *err) MUST_CHECK;

/* The values of a BPF_F_MMAPABLE array map as memory shared with the programs; value n begins at
 * n times value_bytes rounded up to 8.  NULL on failure. */
void *port_bpf_map_pages(int fd, size_t bytes, struct weir_error *err) MUST_CHECK;
void port_bpf_map_pages_free(void *pages, size_t bytes);

struct port_bpf_program {
	enum bpf_prog_type type; /* loaded under "GPL": some helpers ask for it */
	const struct bpf_insn *insns;
	size_t count;
	const char *name; /* as port_bpf_map */
	char *log; /* the verifier's words; NULL: only the last line, in the error */
	size_t log_bytes;
};

/* A descriptor, or a negative enum weir_err. */
int port_bpf_program_load(const struct port_bpf_program *spec,
			  struct weir_error *err) MUST_CHECK;

/* BPF_PROG_TEST_RUN: *result is what the program returned for these bytes, which for a socket
 * filter begin with an Ethernet header (14 bytes at least) that the kernel takes off first. */
int port_bpf_program_run(int fd, const void *bytes, size_t length, uint32_t *result,
			 struct weir_error *err) MUST_CHECK;

#endif
