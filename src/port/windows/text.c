/* What msvcrt lacks of the C library that the shared code was written for. */
#include "base/mem.h"
#include "port/windows/win.h"

#include <ctype.h>
#include <errno.h>

/* A merge sort: comparison, then the place that it had. */
struct sorting {
	size_t size;
	int (*compare)(const void *, const void *, void *);
	void *arg;
};

static void merge(const struct sorting *s, char *a, size_t half, size_t count, char *room)
{
	char *left = room, *left_end = room + half * s->size;
	char *right = a + half * s->size, *end = a + count * s->size;

	memcpy(room, a, half * s->size);
	while (left < left_end && right < end) {
		bool is_left = s->compare(left, right, s->arg) <= 0;
		char **from = is_left ? &left : &right;

		memmove(a, *from, s->size);
		*from += s->size;
		a += s->size;
	}
	memmove(a, left, (size_t)(left_end - left));
}

/* From runs of one upwards; no recursion. */
static void sort(const struct sorting *s, char *base, size_t count, char *room)
{
	for (size_t run = 1; run < count; run *= 2)
		for (size_t i = 0; i + run < count; i += 2 * run) {
			size_t n = count - i < 2 * run ? count - i : 2 * run;

			merge(s, base + i * s->size, run, n, room);
		}
}

void weir_qsort_r(void *base, size_t count, size_t size,
		  int (*compare)(const void *, const void *, void *), void *arg)
{
	struct sorting s = { .size = size, .compare = compare, .arg = arg };
	char *room = count > 1 ? mem_new(count, size) : NULL;

	/* qsort() cannot fail: without memory nothing goes on. */
	if (count > 1 && !room)
		abort();
	if (count > 1)
		sort(&s, base, count, room);
	mem_free(room);
}

struct plain {
	int (*compare)(const void *, const void *);
};

static int compare_plain(const void *a, const void *b, void *arg)
{
	const struct plain *p = arg;

	return p->compare(a, b);
}

void weir_qsort(void *base, size_t count, size_t size,
		int (*compare)(const void *, const void *))
{
	struct plain p = { .compare = compare };

	weir_qsort_r(base, count, size, compare_plain, &p);
}

int weir_inet_pton(int family, const char *text, void *address)
{
	return InetPtonA(family, text, address);
}

const char *weir_inet_ntop(int family, const void *address, char *text, size_t size)
{
	return InetNtopA(family, (void *)(uintptr_t)address, text, size);
}

/* Texts that have been asked for: a pointer that getenv() gave stays good. */
struct text {
	struct text *next;
	char *bytes;
};

static char *keep(char *bytes)
{
	static SRWLOCK lock = SRWLOCK_INIT;
	static struct text *kept;
	struct text *t;

	AcquireSRWLockExclusive(&lock);
	for (t = kept; t && strcmp(t->bytes, bytes) != 0; t = t->next)
		continue;
	if (t) {
		mem_free(bytes);
	} else {
		t = mem_new(1, sizeof *t);
		if (t) {
			*t = (struct text){ kept, bytes };
			kept = t;
		}
	}
	ReleaseSRWLockExclusive(&lock);
	return t ? t->bytes : NULL;
}

char *weir_getenv(const char *name)
{
	wchar_t *wide = win_units(name), *value = wide ? _wgetenv(wide) : NULL;
	char *text = value ? win_text(value, wcslen(value)) : NULL;

	mem_free(wide);
	return text ? keep(text) : NULL;
}

int weir_setenv(const char *name, const char *value, int overwrite)
{
	wchar_t *wide = win_units(name), *text = win_units(value);
	int rc = 0;

	if (!wide || !text)
		rc = -1;
	else if (overwrite || !_wgetenv(wide))
		rc = _wputenv_s(wide, text) ? -1 : 0;
	mem_free(wide);
	mem_free(text);
	return rc;
}

int weir_unsetenv(const char *name)
{
	return _putenv_s(name, "") ? -1 : 0;
}

char *weir_strcasestr(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; *text; text++)
		if (!_strnicmp(text, word, n))
			return (char *)(uintptr_t)text;
	return n ? NULL : (char *)(uintptr_t)text;
}

void *weir_memmem(const void *text, size_t size, const void *word, size_t length)
{
	const char *p = text;

	for (size_t i = 0; length <= size && i <= size - length; i++)
		if (!memcmp(p + i, word, length))
			return (void *)(uintptr_t)(p + i);
	return NULL;
}

char *weir_strchrnul(const char *text, int c)
{
	const char *found = strchr(text, c);

	return (char *)(uintptr_t)(found ? found : text + strlen(text));
}

struct tm *weir_gmtime_r(const time_t *t, struct tm *tm)
{
	return _gmtime64_s(tm, t) ? NULL : tm;
}
