/* weir info: what a store's manifest says, in words. */
#include "analyze/info.h"
#include "analyze/line.h"
#include "base/time.h"
#include "cli/cli.h"
#include "packet/link.h"
#include "store/loss.h"

#include <inttypes.h>

#define EVENTS_SHOWN 40

static const char *text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static int64_t number_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* Text of the evidence, control bytes escaped. */
static void print_safe(const char *text)
{
	char room[4096];
	struct line l;

	line_init(&l, room, sizeof room);
	line_printable(&l, text, strlen(text));
	(void)fwrite(room, 1, line_length(&l), stdout);
}

static void print_label(const char *label)
{
	(void)printf("  %-11s ", label);
}

/* A line "label  text", nothing where the text is empty. */
static void print_text(const char *label, const char *text)
{
	if (!*text)
		return;
	print_label(label);
	print_safe(text);
	(void)putchar('\n');
}

static void print_time(const char *label, int64_t ns)
{
	char text[TIME_TEXT];

	time_format(ns, text);
	print_text(label, text);
}

static void print_span(const json_t *info)
{
	int64_t first = number_of(info, "first_ns"), last = number_of(info, "last_ns");
	char from[TIME_TEXT], to[TIME_TEXT];

	if (!number_of(info, "packets"))
		return;
	time_format(first, from);
	time_format(last, to);
	print_label("times");
	(void)printf("%s to %s, %.3f s\n", from, to, (double)(last - first) / 1e9);
}

static void print_counts(const json_t *info)
{
	char bytes[SIZE_TEXT], wire[SIZE_TEXT];

	size_format((uint64_t)number_of(info, "bytes"), bytes);
	size_format((uint64_t)number_of(info, "wire_bytes"), wire);
	print_label("packets");
	(void)printf("%" PRId64 ", %s recorded, %s on the wire\n",
		     number_of(info, "packets"), bytes, wire);
	print_span(info);
	if (!json_object_get(info, "segments"))
		return;
	print_label("segments");
	(void)printf("%" PRId64, number_of(info, "segments"));
	if (number_of(info, "removed_segments"))
		(void)printf(", %" PRId64 " of them removed by retention",
			     number_of(info, "removed_segments"));
	(void)putchar('\n');
}

static void print_interfaces(const json_t *info)
{
	size_t index;
	json_t *i;

	json_array_foreach(json_object_get(info, "interfaces"), index, i)
	{
		const char *name = text_of(i, "name");
		const char *link = link_name((uint16_t)number_of(i, "linktype"));

		print_label(index ? "" : "interfaces");
		print_safe(*name ? name : "-");
		if (link)
			(void)printf(", %s", link);
		else
			(void)printf(", link type %" PRId64, number_of(i, "linktype"));
		if (number_of(i, "snaplen"))
			(void)printf(", at most %" PRId64 " bytes a packet",
				     number_of(i, "snaplen"));
		(void)putchar('\n');
	}
}

static const char *meaning_of(const char *reason)
{
	for (int i = 0; i < LOSS_REASONS; i++)
		if (!strcmp(loss_name((enum loss)i), reason))
			return loss_meaning((enum loss)i);
	return "of a reason that this version does not know";
}

static void print_losses(const json_t *info)
{
	const char *reason;
	json_t *value;

	print_label("lost");
	(void)printf("%" PRId64 " packets\n", number_of(info, "lost"));
	if (number_of(info, "stated_drops")) {
		print_label("");
		(void)printf("%" PRId64 " by the file's interface statistics\n",
			     number_of(info, "stated_drops"));
	}
	json_object_foreach(json_object_get(info, "losses"), reason, value)
	{
		if (!number_of(value, "packets"))
			continue;
		print_label("");
		print_safe(reason);
		(void)printf(": %" PRId64 " packets", number_of(value, "packets"));
		if (number_of(value, "bytes"))
			(void)printf(", %" PRId64 " bytes", number_of(value, "bytes"));
		(void)printf(": %s\n", meaning_of(reason));
	}
}

static void print_event(json_t *event)
{
	const char *name;
	json_t *value;

	print_label("");
	print_safe(text_of(event, "at"));
	(void)putchar(' ');
	print_safe(text_of(event, "type"));
	json_object_foreach(event, name, value)
	{
		char *text;

		if (!strcmp(name, "at") || !strcmp(name, "at_ns") ||
		    !strcmp(name, "type"))
			continue;
		text = json_dumps(value,
				  JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		(void)putchar(' ');
		print_safe(name);
		(void)putchar('=');
		print_safe(text ? text : "?");
		free(text);
	}
	(void)putchar('\n');
}

static void print_events(const json_t *info)
{
	json_t *events = json_object_get(info, "events"), *event;
	int64_t count = number_of(info, "event_count");
	size_t index;

	if (!count)
		return;
	print_label("events");
	(void)printf("%" PRId64 "\n", count);
	json_array_foreach(events, index, event)
	{
		if (index == EVENTS_SHOWN)
			break;
		print_event(event);
	}
	if (count > EVENTS_SHOWN) {
		print_label("");
		(void)printf("and %" PRId64 " more\n", count - EVENTS_SHOWN);
	}
}

static void print_origin(const json_t *info)
{
	const json_t *identity = json_object_get(info, "identity");

	print_label("recorded by");
	print_safe(text_of(info, "tool"));
	(void)putchar(' ');
	print_safe(text_of(info, "version"));
	(void)printf(", ");
	print_safe(text_of(info, "mode"));
	(void)printf(", layout ");
	print_safe(text_of(info, "layout"));
	(void)putchar('\n');
	print_text("command", text_of(info, "command_line"));
	print_text("case", text_of(info, "case"));
	print_text("examiner", text_of(info, "examiner"));
	print_text("machine", text_of(identity, "host"));
	print_text("", text_of(identity, "os"));
	print_text("", text_of(identity, "kernel"));
	print_time("started", number_of(info, "started_ns"));
	if (number_of(info, "ended_ns"))
		print_time("ended", number_of(info, "ended_ns"));
	print_text("because of", text_of(info, "reason"));
	print_text("clock", text_of(info, "clock"));
	print_text("filter", text_of(info, "filter"));
}

static void print_grade(const json_t *info)
{
	const char *grade = text_of(info, "grade"), *why = text_of(info, "unrepaired");

	if (json_is_true(json_object_get(info, "live")))
		grade = "none yet: it is being recorded";
	else if (!*grade && *why)
		grade = "none: the recorder died, and the store cannot be repaired";
	else if (!*grade)
		grade = "none: the recorder died, and the store cannot be written to";
	print_text("grade", grade);
	if (*text_of(info, "sessions_grade")) {
		print_label("");
		(void)printf("for the gaps between its sessions; the sessions are ");
		print_safe(text_of(info, "sessions_grade"));
		(void)printf("\n");
	}
	print_text("", why);
	if (json_is_true(json_object_get(info, "repaired")))
		print_text("", "repaired just now: its recorder had died");
	print_text("head", text_of(info, "manifest_head"));
}

static void print_words(const char *path, const json_t *info)
{
	bool is_store = !strcmp(text_of(info, "kind"), "store");

	print_safe(path);
	(void)printf(": a %s\n", is_store ? "store" : "capture file");
	if (is_store)
		print_origin(info);
	print_interfaces(info);
	print_counts(info);
	if (json_object_get(info, "recorded_events")) {
		print_label("recorded");
		(void)printf("%" PRId64 " events\n", number_of(info, "recorded_events"));
	}
	if (is_store || number_of(info, "lost"))
		print_losses(info);
	print_events(info);
	if (is_store)
		print_grade(info);
	print_text("damage", text_of(info, "damage"));
}

static int tell(const char *path, bool is_json)
{
	struct weir_error err = { .code = WEIR_OK };
	json_t *info = NULL;
	int code = EXIT_DONE;

	if (info_gather(path, &info, &err))
		return cli_fail("info", &err);
	if (json_object_get(info, "damage"))
		code = EXIT_LOSSES;
	if (!is_json)
		print_words(path, info);
	else if (json_dumpf(info, stdout, JSON_COMPACT) || putchar('\n') == EOF)
		code = EXIT_ENVIRONMENT;
	json_decref(info);
	return code;
}

int cmd_info(int argc, char **argv)
{
	bool want_help = false, is_json = false;
	const struct option options[] = {
		{ "json", 0, OPTION_FLAG, &is_json, NULL, "one JSON object a source", 0,
		  0 },
		OPTION_HELP(&want_help),
		OPTION_END,
	};
	struct weir_error err = { .code = WEIR_OK };
	int code = EXIT_DONE, rc = options_parse(options, &argc, argv, &err);

	if (!rc && want_help)
		return cli_help(command_find("info"), options);
	if (!rc && argc < 2)
		rc = err_set(&err, WEIR_ERR_USAGE,
			     "no source: name a store, a pcap or pcapng file, or -");
	if (rc)
		return cli_fail("info", &err);
	for (int i = 1; i < argc; i++) {
		int one = tell(argv[i], is_json);

		if (code == EXIT_DONE || (one != EXIT_DONE && one != EXIT_LOSSES))
			code = one == EXIT_DONE ? code : one;
	}
	return code;
}
