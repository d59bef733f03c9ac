/* Where one packet of a batch ends and the next begins: WinDivert hands packets over back to back,
 * and their own headers alone say how long each is.
 *
 * Calling sequence:
 *	packet_cut_init(&c, bytes, length, count)	count: of the batch's addresses
 *	while (packet_cut_next(&c, &piece))
 *		piece.bytes .. piece.length belong to address piece.index
 *
 * Every byte is handed out once.  The last piece is all that is left, whatever its header says.  What
 * cannot be cut (no IP, a length of zero or beyond the end) is one piece with all behind it;
 * `piece.count` tells how many addresses it takes, `c.uncut` how many packets have no piece of their
 * own.
 * Pure; bounded by `count`; nothing is kept. */
#ifndef WEIR_CAPTURE_PACKET_CUT_H
#define WEIR_CAPTURE_PACKET_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet_piece {
	const uint8_t *bytes;
	uint32_t length;
	unsigned index, count; /* the first address, and how many */
};

struct packet_cut {
	const uint8_t *bytes;
	uint32_t left;
	unsigned index, count;
	unsigned uncut;
};

/* The length that a packet's header states, with its header; 0: none that can be. */
uint64_t packet_stated_length(const uint8_t *bytes, uint32_t left);

void packet_cut_init(struct packet_cut *c, const uint8_t *bytes, uint32_t length,
		     unsigned count);
bool packet_cut_next(struct packet_cut *c, struct packet_piece *piece);

#endif
