/* The forms that packets can be read from, behind weir/reader.h: pcap, pcapng, a store.
 *
 * A form is one file with a const table of functions; its state begins with struct reader.  The
 * form's next() says only what is wrong and where ("at offset 24: ..."); reader_next() puts the
 * file's name before it and keeps a reader that has failed failed.
 *
 * Calling sequence for bytes that are not a file: reader_open_source() with a byte source.
 * Ownership: a form takes the window it is made from, also where making fails.
 * Threads: a reader belongs to one thread. */
#ifndef WEIR_STORE_FORM_H
#define WEIR_STORE_FORM_H

#include "store/iface.h"
#include "store/processes.h"
#include "store/window.h"
#include "weir/reader.h"

/* Interfaces that one reader keeps, whatever a file says. */
#define READER_IFACE_MAX 4096

struct reader_ops {
	int (*next)(struct reader *r, struct packet *p, struct weir_error *err);
	/* Frees what the form added, not `r` itself. */
	void (*fini)(struct reader *r);
	/* reader_set_range(); NULL where the form knows nothing of its parts. */
	void (*set_range)(struct reader *r, int64_t from_ns, int64_t to_ns);
};

struct reader {
	const struct reader_ops *ops;
	char *name; /* for messages */
	/* Entries never move, so that a pointer from reader_iface() lives as long as the reader. */
	struct iface_info **ifaces;
	unsigned iface_count, iface_room;
	struct processes *processes; /* NULL: none known */
	uint64_t stated_drops, lost;
	uint64_t unread; /* packets that the source states and that could not be read */
	struct standing standing;
	int ended; /* 1 at the end, negative after an error */
};

/* Reads what the source holds: pcap or pcapng, told by its first four bytes.  Takes the source. */
int reader_open_source(struct reader **r, const char *name, struct byte_source source,
		       struct weir_error *err) MUST_CHECK;

/* For forms: size bytes, zeroed, beginning with struct reader. */
void *reader_new(size_t size, const struct reader_ops *ops, const char *name,
		 struct weir_error *err) MUST_CHECK;

/* The index of an entry equal to *info (every byte of it: zero the struct first), added where there
 * is none; negative where the bound is met. */
int reader_add_iface(struct reader *r, const struct iface_info *info,
		     struct weir_error *err) MUST_CHECK;

int pcap_reader_new(struct reader **r, const char *name, struct window *w,
		    struct weir_error *err) MUST_CHECK;
int pcapng_reader_new(struct reader **r, const char *name, struct window *w,
		      struct weir_error *err) MUST_CHECK;
int store_reader_new(struct reader **r, const char *path,
		     struct weir_error *err) MUST_CHECK;

/* Whether four bytes begin such a file. */
bool pcap_is_magic(const uint8_t first[4]);
bool pcapng_is_magic(const uint8_t first[4]);

#endif
