/* The compiled eBPF programs (bpf/attribution.bpf.c), embedded by the build (tools/embed). */
#ifndef WEIR_PROCESS_PROGRAMS_H
#define WEIR_PROCESS_PROGRAMS_H

#include <stddef.h>

extern const unsigned char programs_object[];
extern const size_t programs_object_bytes;

#endif
