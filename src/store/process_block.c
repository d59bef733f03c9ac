#include "store/process_block.h"

#include "base/cursor.h"
#include "store/pcapng_option.h"

enum {
	ENTRY_PROCESS = 3,
	OPT_NAME = 2,
	OPT_PATH = 3,
	OPT_ARGUMENTS = 4,
	OPT_PARENT = 5,
	OPT_UID = 6,
	OPT_USER = 7,
	OPT_START = 9
};

static uint8_t *put_option(uint8_t *p, uint16_t code, const void *value, size_t n)
{
	p = put_u16le(put_u16le(p, code), (uint16_t)n);
	memcpy(p, value, n);
	p += n;
	for (; n & 3; n++)
		*p++ = 0;
	return p;
}

static uint8_t *put_text(uint8_t *p, uint16_t code, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!n)
		return p;
	return put_option(p, code, text, n < PROCESS_TEXT_MAX ? n : PROCESS_TEXT_MAX);
}

static uint8_t *put_u32_option(uint8_t *p, uint16_t code, uint32_t v)
{
	uint8_t value[4];

	(void)put_u32le(value, v);
	return put_option(p, code, value, sizeof value);
}

static uint8_t *put_options(uint8_t *p, const struct process_fact *f)
{
	p = put_text(p, OPT_NAME, f->name);
	p = put_text(p, OPT_PATH, f->path);
	if (f->command_line_length) {
		/* The NUL behind the last argument parts it from nothing. */
		size_t n = f->command_line_length - 1;

		p = put_option(p, OPT_ARGUMENTS, f->command_line,
			       n < PROCESS_ARGUMENTS_MAX ? n : PROCESS_ARGUMENTS_MAX);
	}
	if (f->parent_pid)
		p = put_u32_option(p, OPT_PARENT, f->parent_pid);
	if (f->has_uid)
		p = put_u32_option(p, OPT_UID, f->uid);
	p = put_text(p, OPT_USER, f->user);
	if (f->started_ns > 0) {
		uint8_t value[8];

		(void)put_u64le(value, (uint64_t)f->started_ns);
		p = put_option(p, OPT_START, value, sizeof value);
	}
	return put_u32le(p, 0);
}

size_t process_block_put(uint8_t *block, const struct process_fact *f)
{
	uint8_t *entry = block + 20, *end = put_options(put_u32le(entry, f->pid), f);
	uint32_t total = (uint32_t)(end + 4 - block);
	uint8_t *p = put_u32le(put_u32le(block, PROCESS_BLOCK_TYPE), total);

	p = put_u32le(put_u32le(p, PROCESS_BLOCK_PEN), ENTRY_PROCESS);
	(void)put_u32le(p, (uint32_t)(end - entry));
	(void)put_u32le(end, total);
	return total;
}

bool process_block_is(const uint8_t *body, size_t length)
{
	return length >= 16 && get_u32le(body) == PROCESS_BLOCK_PEN &&
	       get_u32le(body + 4) == ENTRY_PROCESS;
}

/* The option's text in the scratch, up to its first NUL unless it is a list. */
static const char *take_text(char **scratch, const struct pcapng_option *o)
{
	char *text = *scratch;

	memcpy(text, o->value, o->length);
	text[o->length] = '\0';
	*scratch += o->length + 1U;
	return text;
}

static void take_option(struct process_fact *f, const struct pcapng_option *o,
			char **scratch)
{
	struct cursor c;

	cur_init(&c, o->value, o->length);
	switch (o->code) {
	case OPT_NAME:
		f->name = take_text(scratch, o);
		break;
	case OPT_PATH:
		f->path = take_text(scratch, o);
		break;
	case OPT_ARGUMENTS:
		f->command_line = take_text(scratch, o);
		f->command_line_length = o->length + 1U;
		break;
	case OPT_USER:
		f->user = take_text(scratch, o);
		break;
	case OPT_PARENT:
		f->parent_pid = cur_u32le(&c);
		break;
	case OPT_UID:
		f->uid = cur_u32le(&c);
		f->has_uid = !c.is_bad;
		break;
	case OPT_START:
		f->started_ns = (int64_t)(cur_u64le(&c) & INT64_MAX);
		break;
	default:
		break;
	}
}

bool process_block_read(struct process_fact *f, const uint8_t *body, size_t length,
			char *scratch)
{
	struct pcapng_block b = { .body = body };
	struct pcapng_option o;
	struct cursor c;
	uint32_t entry_length;
	int rc;

	*f = (struct process_fact){ .pid = 0 };
	cur_init(&c, body, length);
	cur_skip(&c, 8);
	entry_length = cur_u32le(&c);
	if (entry_length < cur_left(&c))
		cur_init(&c, c.at, entry_length);
	f->pid = cur_u32le(&c);
	if (c.is_bad)
		return false;
	/* An option costs four bytes before its text, and its text one more here. */
	while ((rc = pcapng_option(&c, &b, &o, NULL)) > 0)
		take_option(f, &o, &scratch);
	return !rc;
}
