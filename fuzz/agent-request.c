/* Any bytes as what a controller sends: the target, then the body; and as the words of a pairing. */
#include "agent/grants.h"
#include "agent/pairing.h"
#include "agent/route.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_target(const char *target)
{
	struct weir_error err = { 0 };
	struct route r;
	int status = route_parse(strlen(target) % 2 == 1, target, &r, &err);

	if (status) {
		assert(status >= 400 && status < 500 && err.text[0]);
		return;
	}
	assert(strlen(r.plugin) < ROUTE_NAME && strlen(r.directive) < ROUTE_NAME);
	assert(!strchr(r.plugin, '/') && r.plugin[0] != '.');
}

static void try_body(const uint8_t *bytes, size_t length)
{
	struct weir_error err = { 0 };
	json_t *o = body_parse(bytes, length, &err);

	assert(o ? json_is_object(o) : err.text[0] != '\0');
	json_decref(o);
}

static void try_code(const char *text)
{
	struct pairing_code code, again;
	struct weir_error err;
	char back[PAIRING_CODE];

	if (pairing_code_parse(text, &code, &err))
		return;
	assert(!pairing_code_format(&code, back));
	assert(!pairing_code_parse(back, &again, &err));
	assert(!memcmp(&code, &again, sizeof code));
}

static void try_grants(const char *text)
{
	struct grants g, again;
	struct weir_error err;
	char back[GRANTS_TEXT];

	if (grants_parse(text, &g, &err))
		return;
	grants_text(&g, back);
	assert(!grants_parse(back, &again, &err) && again.count == g.count);
}

/* The first line is the target, the rest the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t n = newline ? (size_t)(newline - data) : size;
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	try_target(text);
	try_code(text);
	try_grants(text);
	if (newline)
		try_body(newline + 1, size - n - 1);
	free(text);
	return 0;
}
