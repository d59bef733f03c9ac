/* What one file, or two, for each packet cost at the least: a C loop.
 *
 *	reference-files FOLDER COUNT SIZE files|pairs [sync]
 *
 * open, write, close in one folder, on one thread; with `pairs` a second file of 200 bytes each;
 * with `sync` what is written is on the disk at the end, as a closed store is.
 * Prints one JSON object. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LARGEST = 65536,
	METADATA = 200
};

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int put(int folder, unsigned long number, const char *suffix, const uint8_t *bytes,
	       size_t size)
{
	char name[64];
	int fd;

	(void)snprintf(name, sizeof name, "17%017lu.%s", number, suffix);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (write(fd, bytes, size) != (ssize_t)size)
		return -1;
	return close(fd);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[LARGEST];
	unsigned long count, size;
	bool is_pairs;
	double begin;
	int folder;

	if (argc < 5) {
		(void)fprintf(stderr, "usage: reference-files FOLDER COUNT SIZE "
				      "files|pairs [sync]\n");
		return 2;
	}
	is_pairs = !strcmp(argv[4], "pairs");
	count = strtoul(argv[2], NULL, 10);
	size = strtoul(argv[3], NULL, 10);
	folder = mkdir(argv[1], 0700) ? -1 : open(argv[1], O_RDONLY | O_DIRECTORY);
	if (folder < 0 || size > LARGEST) {
		perror(argv[1]);
		return 1;
	}
	begin = now();
	for (unsigned long i = 0; i < count; i++) {
		if (put(folder, i, is_pairs ? "bin" : "pkt", bytes, size) ||
		    (is_pairs && put(folder, i, "json", bytes, METADATA))) {
			perror(argv[1]);
			return 1;
		}
	}
	if (argc > 5 && syncfs(folder)) {
		perror("syncfs");
		return 1;
	}
	printf("{\"packets\":%lu,\"seconds\":%.4f}\n", count, now() - begin);
	return 0;
}
