#include "cli/filter_cases.h"

#include "base/mem.h"
#include "weir/filter.h"

#include <jansson.h>

#define LINE_MAX_BYTES (4 << 20)

static int64_t integer(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Returns the number of bytes, or -1 when the text is no hex of at most `most` bytes. */
static long from_hex(const char *text, uint8_t *bytes, size_t most)
{
	size_t n = strlen(text) / 2;

	if (strlen(text) % 2 || n > most)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return (long)n;
}

static bool read_address(const json_t *record, const char *key, uint8_t address[16])
{
	const char *text = json_string_value(json_object_get(record, key));

	return !text || from_hex(text, address, 16) == 16;
}

static bool read_record(const json_t *r, struct filter_address *a)
{
	a->timestamp = integer(r, "Timestamp");
	a->event = (uint8_t)integer(r, "Event");
	a->is_outbound = integer(r, "Outbound") & 1;
	a->is_loopback = integer(r, "Loopback") & 1;
	a->is_impostor = integer(r, "Impostor") & 1;
	a->is_ipv6 = integer(r, "IPv6") & 1;
	a->if_idx = (uint32_t)integer(r, "IfIdx");
	a->sub_if_idx = (uint32_t)integer(r, "SubIfIdx");
	a->process_id = (uint32_t)integer(r, "ProcessId");
	a->endpoint_id = (uint64_t)integer(r, "EndpointId");
	a->parent_endpoint_id = (uint64_t)integer(r, "ParentEndpointId");
	a->local_port = (uint16_t)integer(r, "LocalPort");
	a->remote_port = (uint16_t)integer(r, "RemotePort");
	a->protocol = (uint8_t)integer(r, "Protocol");
	a->reflect_layer = (uint32_t)integer(r, "ReflectLayer");
	a->priority = (int16_t)integer(r, "ReflectPriority");
	return read_address(r, "LocalAddr", a->local_address) &&
	       read_address(r, "RemoteAddr", a->remote_address);
}

/* 1, 0, or a negative code: an evaluation error. */
static int judge(const struct filter *f, const json_t *c, uint8_t *bytes, size_t most)
{
	const char *packet = json_string_value(json_object_get(c, "packet"));
	struct filter_input in = { .packet = NULL };
	long n = packet ? from_hex(packet, bytes, most) : 0;

	if (n < 0 || !read_record(json_object_get(c, "addr"), &in.address))
		return WEIR_ERR_FORMAT;
	if (packet) {
		in.packet = bytes;
		in.length = (size_t)n;
	}
	return filter_match(f, &in);
}

static void print_verdict(FILE *out, int64_t id, int verdict)
{
	(void)fprintf(out, "{\"id\":%lld,\"verdict\":%s}\n", (long long)id,
		      verdict < 0 ? "\"error\""
		      : verdict   ? "true"
				  : "false");
}

static void print_compiled(FILE *out, int64_t id, const struct filter_error *bad)
{
	if (bad->code)
		(void)fprintf(out,
			      "{\"id\":%lld,\"ok\":false,\"error\":\"%s\",\"pos\":%lu}\n",
			      (long long)id, bad->windivert_text,
			      (unsigned long)bad->windivert_at);
	else
		(void)fprintf(out, "{\"id\":%lld,\"ok\":true}\n", (long long)id);
}

static int run_case(const json_t *c, FILE *out, uint8_t *bytes, size_t most)
{
	const char *kind = json_string_value(json_object_get(c, "k"));
	const char *text = json_string_value(json_object_get(c, "filter"));
	const char *layer_name = json_string_value(json_object_get(c, "layer"));
	int64_t id = integer(c, "id");
	enum filter_layer layer;
	struct filter_error bad;
	struct filter *f;
	bool is_compile;

	if (!kind || !text)
		return WEIR_ERR_FORMAT;
	is_compile = !strcmp(kind, "compile");
	if (!layer_name || filter_layer_find(layer_name, &layer)) {
		if (is_compile)
			return WEIR_ERR_FORMAT;
		print_verdict(out, id, WEIR_ERR_FORMAT); /* an unknown layer */
		return 0;
	}
	if (filter_compile(&f, text, layer, FILTER_WINDIVERT, &bad) == WEIR_ERR_NO_MEMORY)
		return WEIR_ERR_NO_MEMORY;
	if (is_compile)
		print_compiled(out, id, &bad);
	else
		print_verdict(out, id, f ? judge(f, c, bytes, most) : WEIR_ERR_FORMAT);
	filter_free(f);
	return 0;
}

/* jansson's integers are signed: numbers from 2^63 on are written as the negative number of the same
 * 64 bits.  `to` has room for twice the line. */
static void fold_unsigned(const char *from, char *to)
{
	bool is_string = false, is_negative = false;

	for (; *from; is_negative = from[-1] == '-') {
		size_t digits = is_string ? 0 : strspn(from, "0123456789");
		unsigned long long v = 0;

		if (*from == '"' || (is_string && *from == '\\' && from[1])) {
			is_string ^= *from == '"';
			*to++ = *from++;
			if (from[-1] == '\\')
				*to++ = *from++;
			continue;
		}
		if (digits >= 19 && digits <= 20 && !is_negative)
			v = strtoull(from, NULL, 10);
		if (v > INT64_MAX) {
			to += snprintf(to, 24, "%lld", (long long)v);
			from += digits;
			continue;
		}
		digits += !digits;
		memcpy(to, from, digits);
		to += digits;
		from += digits;
	}
	*to = '\0';
}

/* 1: a case; 0: a blank line. */
static int run_line(const char *text, char *line, unsigned number, FILE *out,
		    uint8_t *bytes, struct weir_error *err)
{
	json_error_t why;
	json_t *c;
	int rc;

	if (text[strspn(text, " \t\r\n")] == '\0')
		return 0;
	fold_unsigned(text, line);
	c = json_loads(line, 0, &why);
	if (!c)
		return err_set(err, WEIR_ERR_FORMAT, "line %u is no JSON: %s", number,
			       why.text);
	rc = run_case(c, out, bytes, LINE_MAX_BYTES / 2);
	json_decref(c);
	if (rc == WEIR_ERR_NO_MEMORY)
		return err_set(err, rc, "line %u: no memory", number);
	if (rc)
		return err_set(err, WEIR_ERR_FORMAT,
			       "line %u is no case: it needs 'k', 'layer' and 'filter'",
			       number);
	return 1;
}

int filter_cases_run(FILE *in, FILE *out, struct weir_error *err)
{
	char *text = mem_new(LINE_MAX_BYTES, 1), *line = mem_new(LINE_MAX_BYTES, 2);
	uint8_t *bytes = mem_new(LINE_MAX_BYTES / 2, 1);
	unsigned number = 0;
	bool has_case = false;
	int rc = 0;

	if (!text || !line || !bytes)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a line");
	while (rc >= 0 && fgets(text, LINE_MAX_BYTES, in)) {
		rc = run_line(text, line, ++number, out, bytes, err);
		has_case = has_case || rc;
	}
	/* Nothing judged must not look like all well. */
	if (rc >= 0)
		rc = has_case ? 0
			      : err_set(err, WEIR_ERR_FORMAT, "there is no case in it");
	mem_free(text);
	mem_free(line);
	mem_free(bytes);
	return rc;
}
