/* A temporary folder for unit tests, removed at the end with the files that are in it.
 *
 *	folder_make(); const char *path = folder_path("a.pcap"); ... folder_remove();
 *
 * folder_path() lends one of eight buffers in turn. */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder_name[64];

static inline void folder_make(void)
{
	(void)snprintf(folder_name, sizeof folder_name, "/tmp/weir-unit.XXXXXX");
	if (!mkdtemp(folder_name))
		abort();
}

static inline const char *folder_path(const char *name)
{
	static char paths[8][400];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	(void)snprintf(path, sizeof paths[0], "%s/%s", folder_name, name);
	return path;
}

static inline void folder_write(const char *name, const void *bytes, size_t length)
{
	FILE *f = fopen(folder_path(name), "wb");

	if (!f || fwrite(bytes, 1, length, f) != length || fclose(f))
		abort();
}

/* The whole file with a NUL behind it, to be freed; *length may be NULL. */
static inline char *folder_read(const char *name, size_t *length)
{
	size_t room = 1 << 22, n;
	FILE *f = fopen(folder_path(name), "rb");
	char *bytes = malloc(room + 1);

	if (!f || !bytes)
		abort();
	n = fread(bytes, 1, room, f);
	(void)fclose(f);
	bytes[n] = '\0';
	if (length)
		*length = n;
	return bytes;
}

/* How many files are in it. */
static inline unsigned folder_count(void)
{
	DIR *d = opendir(folder_name);
	unsigned n = 0;

	for (struct dirent *e; d && (e = readdir(d)) != NULL;)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d)
		(void)closedir(d);
	return n;
}

static inline void folder_remove(void)
{
	DIR *d = opendir(folder_name);

	for (struct dirent *e; d && (e = readdir(d)) != NULL;)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlink(folder_path(e->d_name));
	if (d)
		(void)closedir(d);
	(void)rmdir(folder_name);
}

#endif
