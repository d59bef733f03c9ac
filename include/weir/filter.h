/* The filter language: WinDivert 2.2's, whole, with its meaning on every packet and address
 * record, and what weir adds to it (`not ( ... )`, CIDR, sets, strings, time, processes).
 *
 * Calling sequence:
 *	struct filter *f;
 *	struct filter_error bad;
 *	if (filter_compile(&f, "tcp.DstPort == 443", FILTER_NETWORK, 0, &bad))
 *		filter_error_show(&bad, text, out, sizeof out) tells a person
 *	if (filter_is_true(f))
 *		nothing needs to be looked at: take every packet
 *	struct filter_input in = { 0 };
 *	filter_input_packet(&in, bytes, length);
 *	in.address.is_outbound = ...
 *	if (filter_match(f, &in) > 0)
 *		it matches
 *	filter_free(f);
 *
 * Ownership: the caller frees the filter; every string that a filter lends lives as long as it.
 * Threads: a compiled filter is constant; any number of threads may match against it.
 * Memory: filter_match() allocates nothing and its work is bounded by the filter's length. */
#ifndef WEIR_FILTER_H
#define WEIR_FILTER_H

#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A filter is compiled for one layer; the numbers are WinDivert's. */
enum filter_layer {
	FILTER_NETWORK,
	FILTER_FORWARD,
	FILTER_FLOW,
	FILTER_SOCKET,
	FILTER_REFLECT,
};

#define FILTER_LAYERS 5

/* "network", "forward", "flow", "socket", "reflect"; also WinDivert's "network_forward". */
int filter_layer_find(const char *name, enum filter_layer *layer);
const char *filter_layer_name(enum filter_layer layer);

enum filter_flag {
	/* Only what WinDivert takes, within its limits, flaws of its lexer included. */
	FILTER_WINDIVERT = 1,
	/* '#' begins a comment that ends with its line (filter files). */
	FILTER_COMMENTS = 2,
};

/* What was wrong with a text. */
struct filter_error {
	enum weir_err code; /* USAGE: the text; NO_MEMORY */
	size_t at, length;  /* the bytes of the text that are meant */
	char found[160];    /* "unknown word 'tcp.DestPort'" */
	char expected[160]; /* "a field, 'not' or '('", or empty */
	char hint[160];     /* "did you mean 'tcp.DstPort'?", or empty */
	/* What WinDivert's own compiler reports: one of its fixed messages, and its position. */
	const char *windivert_text;
	uint32_t windivert_at;
};

struct filter;

/* 0, or the negative code that is also in *error (which may be NULL). */
int filter_compile(struct filter **f, const char *text, enum filter_layer layer,
		   unsigned flags, struct filter_error *error);
void filter_free(struct filter *f);

/* The error in two or three lines for a person, the line of the filter and a caret among them;
 * cut to size, always terminated, ends with a line feed. */
void filter_error_show(const struct filter_error *error, const char *text, char *out,
		       size_t size);
/* The same in one line, as a weir_error.  Returns its code. */
int filter_error_line(const struct filter_error *error, struct weir_error *err);

/* What a filter is applied to.  The address record is WinDivert's, member by member; at the
 * network and forward layers its packet members count, at the others its flow, socket or reflect
 * members. */
struct filter_address {
	int64_t timestamp; /* ticks; also seeds random8, random16, random32 */
	uint8_t event;     /* 0 packet, 1, 2 flow, 3-7 socket, 8, 9 reflect */
	bool is_outbound, is_loopback, is_impostor, is_ipv6;
	uint32_t if_idx, sub_if_idx;
	uint64_t endpoint_id, parent_endpoint_id;
	uint32_t process_id;
	uint8_t local_address[16],
		remote_address[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	uint16_t local_port, remote_port;
	uint8_t protocol;
	uint32_t reflect_layer;
	int16_t priority;
};

struct filter_input {
	const uint8_t *packet; /* from the IP header on; NULL: none */
	size_t length,
		wire_length; /* more than length: of the packet before it was cut */
	struct filter_address address;
	/* weir's own.  What is not there makes the tests on it false. */
	bool has_time, has_process_id; /* processId of a packet: address.process_id */
	int64_t time_ns;               /* of capture, UTC */
	/* NULL: unknown. */
	const char *iface, *process_name, *process_path, *user, *container;
};

/* Sets packet, length, and address.is_ipv6 from the version in the packet's first byte. */
void filter_input_packet(struct filter_input *in, const uint8_t *packet, size_t length);

/* The same of a packet of which not all bytes are there.  The fields that are lengths, and what counts from
 * the end, speak of all of it; a test on a byte that was cut is false. */
void filter_input_cut(struct filter_input *in, const uint8_t *packet, size_t length,
		      size_t wire_length);

/* 1: matches; 0: does not; WEIR_ERR_FORMAT: cannot be judged (no packet, one whose IP header is
 * not sound, is_ipv6 that disagrees with it, a packet at the flow or socket layer), which WinDivert
 * treats as no match. */
int filter_match(const struct filter *f, const struct filter_input *in);

/* The same, for who makes no difference between no match and what cannot be judged; faster, because
 * a packet need not be looked at that direction, interface or time rule out. */
bool filter_matches(const struct filter *f, const struct filter_input *in);

/* Everything (nothing) matches whatever it is: the graph has no test left.  Who takes packets by a
 * filter that is true need not ask filter_match(), and also takes those that it cannot judge. */
bool filter_is_true(const struct filter *f);
bool filter_is_false(const struct filter *f);

/* Every test is one that a program in the kernel can decide (filter_bpf.h); else the kernel lets
 * through what may match, and filter_match() must be asked again. */
bool filter_is_for_kernel(const struct filter *f);

/* Some test is on a packet's process: it can be judged only once that is known. */
bool filter_asks_process(const struct filter *f);

/* What about it: the sum of these. */
enum {
	FILTER_ASKS_ID = 1,
	FILTER_ASKS_NAME = 2,
	FILTER_ASKS_FACTS = 4 /* path, user, container: what has to be found out */
};

unsigned filter_asks_of_process(const struct filter *f);

enum filter_answer {
	FILTER_NO,
	FILTER_YES,
	FILTER_OPEN, /* what is pending decides */
};

/* As filter_matches(), where of the packet's process some is still to be found out; pending: FILTER_ASKS_NAME,
 * FILTER_ASKS_FACTS, or both.  Of the input these are not looked at: each test on them may come out either way. */
enum filter_answer filter_matches_pending(const struct filter *f,
					  const struct filter_input *in,
					  unsigned pending);

/* A text that makes the same difference to the filter as this one, a name, a path, a user or a container: lent, of the
 * filter's own. */
const char *filter_text_like(const struct filter *f, const char *text);

enum filter_layer filter_layer_of(const struct filter *f);
/* The text as given; its normal form, which means the same and is equal for filters that differ
 * in spelling only; SHA-256 of the normal form in 64 hex digits. */
const char *filter_text(const struct filter *f);
const char *filter_normal(const struct filter *f);
const char *filter_hash(const struct filter *f);

/* A remark about a place of the text. */
struct filter_note {
	size_t at, length;
	char text[240];
};

/* Where the filter does not mean what it seems to say.  Up to `max` notes are written; returns
 * how many there are. */
size_t filter_lint(const struct filter *f, struct filter_note *notes, size_t max);
/* Where the filter says what WinDivert cannot read; 0: it is a WinDivert filter. */
size_t filter_extensions(const struct filter *f, struct filter_note *notes, size_t max);

/* What a caller of filter_windivert() must have room for. */
#define FILTER_WINDIVERT_TEXT 65536

/* Text for WinDivertOpen that matches wherever the filter does, and with *is_exact nowhere else;
 * without it what WinDivert hands over must be judged again by filter_match().  The driver takes
 * it: 255 tests at most, constants within its ranges; what WinDivert does not know or has no room
 * for counts as "may be so", down to `true`, which every filter that was an object gets.
 * LIMIT: the text is longer than `size`; NO_MEMORY. */
int filter_windivert(const struct filter *f, char *text, size_t size, bool *is_exact,
		     struct weir_error *err);

/* The decision graph in words, and where each part runs; NULL: no memory.  The caller's, to give
 * back with filter_words_free(). */
char *filter_explain(const struct filter *f);
void filter_words_free(char *words);

/* The table of fields, for help and the manual page: index 0, 1, ... until false. */
struct filter_field {
	const char *name;
	const char *help;
	const char *layers; /* "NMFSR", '-' for a layer where it is not legal */
	const char *needs;  /* "tcp", or "" */
	const char *type;   /* "0..65535", "address", "string", ... */
	bool is_array, is_extension;
};

bool filter_field_at(size_t index, struct filter_field *field);

#endif
