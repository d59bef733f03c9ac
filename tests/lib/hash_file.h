/* One hasher, and one executable of one process that waits for its hash. */
#ifndef TESTS_HASH_FILE_H
#define TESTS_HASH_FILE_H

#include "lib/folder.h"
#include "lib/tap.h"
#include "process/hasher.h"

#include <fcntl.h>

/* printf abc | sha256sum */
#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define CHANGED    "changed before it could be hashed"
#define LARGE      (256 << 20)

static struct hasher *hasher;
static struct process_facts facts;
static struct hasher_file file;

static inline void begin_test(void)
{
	hasher_free(hasher);
	hasher = hasher_new();
	CHECK(hasher != NULL);
	folder_make();
}

/* True: it waits for its hash. */
static inline bool begin(const char *name)
{
	facts = (struct process_facts){ .is_hash_pending = true };
	hasher_put(hasher, &facts, 1, open(folder_path(name), O_RDONLY | O_CLOEXEC));
	return hasher_is_waiting(hasher);
}

static inline void hash(void)
{
	while (!hasher_read(hasher))
		;
	CHECK(facts.is_hash_pending);
	hasher_take(hasher, &file);
	CHECK_EQ(file.number, 1);
	hasher_hash(hasher, &facts, &file);
	CHECK(!facts.is_hash_pending);
}

/* So long that the file's times are others. */
static inline void wait_tick(void)
{
	(void)usleep(50000);
}

static inline void overwrite(const char *name, const char *text)
{
	int fd = open(folder_path(name), O_WRONLY | O_CLOEXEC);

	CHECK_EQ(pwrite(fd, text, strlen(text), 0), strlen(text));
	(void)close(fd);
}

/* So that it takes a while to read. */
static inline void enlarge(const char *name)
{
	int fd = open(folder_path(name), O_WRONLY | O_CLOEXEC);

	CHECK_EQ(ftruncate(fd, LARGE), 0);
	(void)close(fd);
}

#endif
