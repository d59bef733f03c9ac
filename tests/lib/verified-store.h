/* A store, a copy of it that is changed, and the fault that store_verify() must find in the copy. */
#ifndef WEIR_TESTS_VERIFIED_STORE_H
#define WEIR_TESTS_VERIFIED_STORE_H

#include "lib/broken-store.h"

#define MANIFEST "manifest.jsonl"

static struct driver d;
static char copy[160];
static struct store_check check;

static inline void take_copy(void)
{
	(void)snprintf(copy, sizeof copy, "%s/copy", d.dir);
	copy_store(d.path, copy);
}

/* The fault must begin with these words. */
static inline void check_fault(const char *words)
{
	struct weir_error err = { 0 };

	CHECK_EQ(store_verify(copy, &check, &err), WEIR_ERR_MISMATCH);
	if (strncmp(check.fault, words, strlen(words)) != 0)
		CHECK_STR(check.fault, words);
	else
		CHECK(strstr(err.text, words) != NULL);
	copy_store(d.path, copy);
}

static inline void flip(const char *name, size_t at)
{
	struct bytes b = read_whole(copy, name);

	b.at[at < b.length ? at : b.length - 1] ^= 1;
	write_whole(copy, name, b.at, b.length);
	free(b.at);
}

/* Somebody who changes a line and mends the whole chain behind it: the figures still tell. */
static inline void write_chained(json_t *lines)
{
	char prev[HASH_HEX], path[400];
	FILE *f;

	memset(prev, '0', sizeof prev - 1);
	prev[sizeof prev - 1] = '\0';
	(void)snprintf(path, sizeof path, "%s/" MANIFEST, copy);
	f = fopen(path, "w");
	if (!f)
		abort();
	for (size_t i = 0; i < json_array_size(lines); i++) {
		json_t *line = json_array_get(lines, i);
		uint8_t digest[HASH_BYTES];
		char *text;

		json_object_set_new(line, "seq", json_integer((json_int_t)i + 1));
		json_object_set_new(line, "prev", json_string(prev));
		text = json_dumps(line, JSON_COMPACT);
		CHECK_EQ(hash_once(text, strlen(text), digest), 0);
		hash_hex(digest, prev);
		(void)fprintf(f, "%s\n", text);
		free(text);
	}
	(void)fclose(f);
}

static inline int collect(void *lines, json_t *line)
{
	return json_array_append(lines, line);
}

static inline json_t *load_lines(void)
{
	json_t *lines = json_array();

	CHECK_EQ(store_manifest_each(copy, collect, lines, NULL), 0);
	return lines;
}

#endif
