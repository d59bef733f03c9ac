/* What a segment file really holds, found by reading it from its first byte: for repair, for
 * verifying, and for a segment that is still being written.
 *
 * Everything up to `whole_bytes` is whole; what lies behind it is the torn end of a recording that
 * broke off, or damage, and `fault` says in words what was found there (empty: the file ends where
 * it should).  For a list, a line is whole where its packet file has the size and hash it states.
 *
 * The descriptors are the caller's; the position of fd is moved.  One thread. */
#ifndef WEIR_STORE_SCAN_H
#define WEIR_STORE_SCAN_H

#include "base/hash.h"
#include "store/iface.h"

struct scan {
	uint64_t packets, bytes, wire_bytes;
	int64_t first_ns, last_ns; /* 0, 0 without packets */
	bool is_sorted;
	uint64_t whole_bytes, file_bytes;
	char fault[WEIR_ERROR_TEXT];
	/* The interfaces described in a segment, by id: the caller frees them with scan_fini(). */
	struct iface_info *ifaces;
	unsigned iface_count;
	uint16_t linktype; /* of the packets or the interfaces */
	bool has_linktype;
	bool is_mixed; /* packets of several link types, or several sections: not ours */
};

/* At most `limit` bytes are looked at. */
int scan_segment(int fd, uint64_t limit, struct scan *s,
		 struct weir_error *err) MUST_CHECK;
int scan_list(int dir_fd, int fd, uint64_t limit, struct scan *s,
	      struct weir_error *err) MUST_CHECK;
void scan_fini(struct scan *s);

/* SHA-256 in hex of the first `length` bytes of fd.  WEIR_ERR_FORMAT where there are fewer. */
int scan_hash(int fd, uint64_t length, char hex[HASH_HEX],
	      struct weir_error *err) MUST_CHECK;

/* Adds bytes from..to of fd to a hash; as scan_hash(). */
int scan_hash_part(struct hash *h, int fd, uint64_t from, uint64_t to,
		   struct weir_error *err) MUST_CHECK;

#endif
