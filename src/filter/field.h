/* The one table of fields.  Lexer, checker, evaluator, BPF, help, `weir filter fields` and
 * weir-filter(7) all read it; a new field is one row of field.c (and a reader in view.c where the
 * value is not plainly some bits of a header).
 *
 * Three ranges must be told apart.  `bits` is what a value can be at run time.  `low`..`high` is
 * the range against which WinDivert folds constants (fold.c), which is visible in what filters
 * mean.  `is_full` says whether all of a constant takes part in a comparison or only its low
 * 32 bits.
 *
 * Keys: sets of values (set.h) are kept as keys, whose order is that of the language and which are
 * never negative: key = raw value + bias.  The bias is 2^63 for signed fields (whose raw value is
 * two's complement, flipped accordingly) and ::ffff:0:0 for IPv4 addresses. */
#ifndef WEIR_FILTER_FIELD_H
#define WEIR_FILTER_FIELD_H

#include "filter/view.h"

#include <stddef.h>

enum field_source {
	SOURCE_READ, /* read() or read_wide() or read_text() */
	SOURCE_HEADER, /* `size` bytes at `offset` of header `needs`, shifted right, masked */
	SOURCE_HAS,    /* is header `has` there?  (at flow and socket: read()) */
	SOURCE_PACKET, /* array: `size` bytes at the index, from either end of the packet */
	SOURCE_PAYLOAD, /* the same of the payload */
};

enum field_format {
	FORMAT_DECIMAL,
	FORMAT_HEX,
	FORMAT_FLAG, /* "f" and "not f" */
	FORMAT_IPV4,
	FORMAT_IPV6,
	FORMAT_LAYER,
	FORMAT_EVENT,
	FORMAT_TEXT,
	FORMAT_TIME,
};

enum {
	LAYER_N = 1 << FILTER_NETWORK,
	LAYER_M = 1 << FILTER_FORWARD,
	LAYER_F = 1 << FILTER_FLOW,
	LAYER_S = 1 << FILTER_SOCKET,
	LAYER_R = 1 << FILTER_REFLECT,
	LAYER_NM = LAYER_N | LAYER_M,
	LAYER_NFS = LAYER_N | LAYER_F | LAYER_S,
	LAYER_FS = LAYER_F | LAYER_S,
	LAYER_FSR = LAYER_FS | LAYER_R,
	LAYER_NMFS = LAYER_NM | LAYER_FS,
	LAYER_ALL = LAYER_NMFS | LAYER_R,
};

struct field {
	const char *name, *help;
	uint8_t layers;      /* where WinDivert has it */
	uint8_t more_layers; /* where weir has it beyond that */
	uint8_t needs, has;  /* enum header */
	uint8_t source, format;
	uint8_t offset, size, shift, bits;
	bool is_signed, is_full, is_never_folded;
	bool is_user_only; /* a program in the kernel cannot know it */
	u128 low, high;    /* keys */
	u128 bias;
	uint64_t (*read)(const struct view *v);
	u128 (*read_wide)(const struct view *v);
	const char *(*read_text)(const struct view *v);
	bool (*is_known)(const struct view *v); /* NULL: always */
};

/* Numbers of the fields that code names. */
enum {
	FIELD_ZERO = 0,
	FIELD_INBOUND = 1,
	FIELD_OUTBOUND = 2,
	FIELD_IP = 5,
	FIELD_WINDIVERT_COUNT =
		86, /* those that an object can name: row = WinDivert's number */
	FIELD_TRUE = 86,
	FIELD_FALSE = 87,
};

extern const struct field field_table[];
size_t field_count(void);
/* Exactly this name, at whatever layer; NULL. */
const struct field *field_find(const char *name, size_t length);
unsigned field_number(const struct field *f);

bool field_is_array(const struct field *f);
bool field_is_text(const struct field *f);
/* A test on it can come out "absent": no such header, out of bounds, not known. */
bool field_can_be_absent(const struct field *f);
/* The flag field that says whether header `h` is there. */
const struct field *field_of_header(enum header h);
/* First and last key that a value can have. */
u128 field_first(const struct field *f);
u128 field_last(const struct field *f);
/* Some bit of the row says this layer. */
bool field_is_at(const struct field *f, enum filter_layer layer);

#endif
