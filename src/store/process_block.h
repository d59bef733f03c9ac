/* A process in a pcapng file, in the form that Wireshark 5 reads: a custom block (0xBAD) of the
 * Wireshark Foundation (PEN 32622), all of it little endian:
 *
 *	u32 PEN, u32 entry type 3, u32 entry length, u32 process id, then options as pcapng has
 *	them: comment 1, name 2, path 3, command line 4 (arguments, a NUL between two), parent 5
 *	(u32), uid 6 (u32), user 7, start 9 (u64, ns since 1970)
 *
 * The entry's length counts what follows it.  The block stands behind the first packet that it
 * explains: where it is the first record of a file, readers of today lose the relative time.
 * Pure, any thread, nothing is allocated. */
#ifndef WEIR_STORE_PROCESS_BLOCK_H
#define WEIR_STORE_PROCESS_BLOCK_H

#include "store/processes.h"

#define PROCESS_BLOCK_TYPE UINT32_C(0xbad)
#define PROCESS_BLOCK_PEN  32622

enum {
	PROCESS_TEXT_MAX = 4096,       /* of each text: longer ones are cut */
	PROCESS_ARGUMENTS_MAX = 16384, /* of the command line */
	PROCESS_BLOCK_MAX = 64 + 4 * 8 + 3 * PROCESS_TEXT_MAX + PROCESS_ARGUMENTS_MAX
};

/* Writes the whole block; returns its length, PROCESS_BLOCK_MAX at most. */
size_t process_block_put(uint8_t *block, const struct process_fact *f);

/* body: behind the block's type and length, `length` bytes, without the last length. */
bool process_block_is(const uint8_t *body, size_t length);

/* Room that process_block_read() needs for the texts of a body of that length. */
static inline size_t process_block_scratch(size_t length)
{
	return length + 4;
}

/* False where the entry does not hold together.  Texts point into scratch. */
bool process_block_read(struct process_fact *f, const uint8_t *body, size_t length,
			char *scratch);

#endif
