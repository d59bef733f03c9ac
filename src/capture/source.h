/* A source of packets: AF_PACKET, NFQUEUE, a file, WinDivert.  One instance a file of this folder.
 *
 * Life, as capture/session.c drives it:
 *	open()    in the starting process, with all privileges: sockets, rings, rules not yet active
 *	start()   after privileges were dropped, on the capture thread: traffic may come
 *	run()     on the capture thread until `stop` is set or the source ends: receive, record, hand
 *	          on; must call producer_flush() at least every 50 ms
 *	drain()   on the capture thread after stop: what the kernel has queued is still recorded;
 *	          bounded in time
 *	close()   frees everything; harmless after a failed open()
 *
 * run() returns 0 at its end (stop, count reached, end of input) or a negative code. */
#ifndef WEIR_CAPTURE_SOURCE_H
#define WEIR_CAPTURE_SOURCE_H

#include "capture/producer.h"
#include "port/port.h"
#include "store/store.h"

struct source;
struct session;
struct filter;

/* What a source is given.  Plain data; strings live as long as the session. */
struct source_config {
	const char *const *interfaces; /* -i, NULL-terminated; NULL: all */
	const char *const *inputs;     /* import: files */
	const struct filter *filter;   /* NULL: everything */
	/* The filter asks whose packets they are: the kernel's part of it may be used, the rest is
	 * judged when their records are sealed (judge.h). */
	bool is_filter_late;
	uint32_t snaplen; /* 0: whole packets */
	bool is_forward;  /* divert: --layer forward */
	bool is_strict;
	int priority;
	unsigned queues;       /* divert: 0 chooses */
	uint32_t queue_length; /* divert: packets the kernel may hold; 0 chooses */
	int64_t stall_ns;      /* divert: the heartbeat's age from which packets pass */
	size_t kernel_memory_bytes; /* sniff: all rings together */
};

/* What a source works with once it is open; filled in by the session. */
struct source_context {
	const struct source_config *config;
	struct iface_table *ifaces;
	struct producer *producer;
	struct store *store; /* for store_event() only */
	const struct port_event *stop;
	struct losses *
		losses; /* of this source: LOSS_KERNEL, LOSS_FAIL_OPEN, LOSS_STALL, ... */
	/* An import's inputs were no better recorded: nor is what is made of them.  Read once the
	 * capture thread has ended. */
	enum store_grade at_best;
	bool has_owners; /* records will tell whose packets they are: judge.h */
	/* Where the capture thread is the write worker too: writes what was sealed or handed over, and
	 * ends what is done; at least every 100 ms.  NULL: another thread does. */
	void (*write)(struct source_context *context);
	struct session *session; /* of write() */
	/* Set by the source on the capture thread: packets passed that nobody could count. */
	bool is_incomplete;
};

struct source_ops {
	const char *name; /* "sniff", "divert", "import" */
	const char *
		clock; /* which clock its packet times are of, in words, for the manifest */
	/* Packets are seen at a layer of the stack, before or behind other programs: --layer forward
	 * and --priority mean something, whether they are taken or copied. */
	bool is_in_stack;
	int (*open)(struct source **s, struct source_context *context,
		    struct weir_error *err);
	int (*start)(struct source *s, struct weir_error *err);
	int (*run)(struct source *s, struct weir_error *err);
	int (*drain)(struct source *s, struct weir_error *err);
	/* For the manifest's first line: what was chosen and why.  A new reference or NULL. */
	json_t *(*describe)(struct source *s);
	/* Spans of its own memory that may be on their way at the same time; NULL: none. */
	unsigned (*spans)(const struct source *s);
	/* The most memory it uses from now on, the kernel's buffers on its behalf included; bytes. */
	uint64_t (*memory)(const struct source *s);
	void (*close)(struct source *s);
};

extern const struct source_ops source_sniff, source_divert, source_import;

#endif
